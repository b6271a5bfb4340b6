//! `iptables` on one machine: rules that drop what comes from another (INPUT) or goes to it (OUTPUT).
//!
//! A rule is a cut of one direction of a link; a link has one rule. `cut` and `heal` show here too.

use super::machines::CutLink;
use super::{Asked, Done};
use crate::sim::fault::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    Input,
    Output,
}

/// Whether it has to know which rules there are.
pub(super) fn asks(args: &[String]) -> bool {
    args.iter().any(|arg| ["-L", "-S", "-F", "-D", "-C", "--list", "--flush", "--delete"].iter().any(|flag| arg.starts_with(flag)))
}

pub(super) fn iptables(args: &[String], asked: &Asked) -> Done {
    run(args, asked).unwrap_or_else(|said| Done::failed(format!("iptables: {said}"), 2))
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
struct Spec {
    verb: Option<char>,
    chain: Option<String>,
    /// `-D INPUT 2`
    number: Option<usize>,
    source: Option<String>,
    destination: Option<String>,
    target: Option<String>,
}

fn run(args: &[String], asked: &Asked) -> Result<Done, String> {
    let spec = read(args)?;
    let chain = match spec.chain.as_deref() {
        None => None,
        Some("INPUT") => Some(Chain::Input),
        Some("OUTPUT") => Some(Chain::Output),
        Some("FORWARD") if spec.verb != Some('A') && spec.verb != Some('I') => return Ok(Done::default()),
        Some("FORWARD") => return Err("nothing is forwarded here; the chains are INPUT and OUTPUT".into()),
        Some(_) => return Ok(Done::failed("iptables: No chain/target/match by that name.", 1)),
    };
    match spec.verb {
        Some('L') => Ok(list(chain, asked)),
        Some('S') => Ok(show(chain, asked)),
        Some('F') => Ok(Done { faults: rules(chain, asked).into_iter().map(|(_, rule)| heal(rule)).collect(), ..Done::default() }),
        Some('D') if spec.number.is_some() => {
            let chain = chain.ok_or("a chain is missing")?;
            let found = spec.number.and_then(|number| rules(Some(chain), asked).into_iter().nth(number.checked_sub(1)?));
            let (_, rule) = match found {
                Some(found) => found,
                None => return Ok(Done::failed("iptables: Index of deletion too big.", 1)),
            };
            Ok(Done { faults: vec![heal(rule)], ..Done::default() })
        }
        Some(verb) => one(verb, chain.ok_or("a chain is missing")?, &spec, asked),
        None => Err("no command specified\nHere are: -A, -I, -D, -C, -F, -L, -S with INPUT -s HOST or OUTPUT -d HOST and -j DROP.".into()),
    }
}

fn read(args: &[String]) -> Result<Spec, String> {
    let mut spec = Spec::default();
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        let mut value = || args.next().map(str::to_owned).ok_or_else(|| format!("option \"{arg}\" requires an argument"));
        match arg {
            "-A" | "--append" => (spec.verb, spec.chain) = (Some('A'), Some(value()?)),
            "-I" | "--insert" => {
                (spec.verb, spec.chain) = (Some('I'), Some(value()?));
                // The place in the chain: the order makes no difference, as all rules drop.
                args.next_if(|next| next.parse::<usize>().is_ok());
            }
            "-D" | "--delete" => {
                (spec.verb, spec.chain) = (Some('D'), Some(value()?));
                spec.number = args.next_if(|next| next.parse::<usize>().is_ok()).and_then(|number| number.parse().ok());
            }
            "-C" | "--check" => (spec.verb, spec.chain) = (Some('C'), Some(value()?)),
            "-F" | "--flush" | "-L" | "--list" | "-S" | "--list-rules" => {
                spec.verb = Some(match arg {
                    "-F" | "--flush" => 'F',
                    "-L" | "--list" => 'L',
                    _ => 'S',
                });
                spec.chain = args.next_if(|next| !next.starts_with('-')).map(str::to_owned);
            }
            "-s" | "--source" => spec.source = Some(value()?),
            "-d" | "--destination" => spec.destination = Some(value()?),
            "-j" | "--jump" => spec.target = Some(value()?),
            "-p" | "--protocol" if ["tcp", "all"].contains(&value()?.as_str()) => {}
            "-n" | "-v" | "-w" | "--line-numbers" | "-nv" | "-vn" => {}
            "-nL" | "-vL" | "-nvL" | "-vnL" => {
                spec.verb = Some('L');
                spec.chain = args.next_if(|next| !next.starts_with('-')).map(str::to_owned);
            }
            "--dport" | "--sport" | "--dports" | "--sports" | "-m" | "-i" | "-o" => {
                return Err(format!("{arg} is not here: a link carries everything or nothing; say only the host (-s, -d)"));
            }
            arg => return Err(format!("unknown option \"{arg}\"")),
        }
    }
    Ok(spec)
}

/// `-A`, `-I`, `-D`, `-C` with a rule.
fn one(verb: char, chain: Chain, spec: &Spec, asked: &Asked) -> Result<Done, String> {
    match spec.target.as_deref() {
        Some("DROP") => {}
        Some("REJECT") => return Err("REJECT is not here; DROP is".into()),
        Some(_) => return Ok(Done::failed("iptables: No chain/target/match by that name.", 1)),
        None => return Err("say what becomes of the packets: -j DROP".into()),
    }
    let (flag, other, unwanted) = match chain {
        Chain::Input => ("-s", &spec.source, &spec.destination),
        Chain::Output => ("-d", &spec.destination, &spec.source),
    };
    if unwanted.as_deref().is_some_and(|host| host != asked.own) {
        return Err("packets of other machines do not come through here".into());
    }
    let Some(other) = other else { return Err(format!("say which host: {flag} HOST (all of them at once is not here)")) };
    let Some(host) = asked.named(other.split('/').next().unwrap_or(other)) else {
        return Err(format!("host/network `{other}' not found"));
    };
    let own = asked.own.to_owned();
    if host == own {
        return Err(format!("{host} is this machine: it has no link to itself"));
    }
    let (from, to, at_sender) = if chain == Chain::Input { (host, own, false) } else { (own, host, true) };
    let is_there = asked.machines.cuts.iter().any(|cut| cut.from == from && cut.to == to);
    match verb {
        'A' | 'I' => Ok(Done {
            faults: vec![if at_sender { Fault::CutAtSender { from, to } } else { Fault::CutOneWay { from, to } }],
            ..Done::default()
        }),
        _ if !is_there => Ok(Done::failed("iptables: Bad rule (does a matching rule exist in that chain?).", 1)),
        'D' => Ok(Done { faults: vec![Fault::HealOneWay { from, to }], ..Done::default() }),
        _ => Ok(Done::default()),
    }
}

/// This machine's rules.
fn rules<'a>(chain: Option<Chain>, asked: &'a Asked) -> Vec<(Chain, &'a CutLink)> {
    let of = |cut: &'a CutLink| match cut {
        cut if cut.to == asked.own && !cut.at_sender => Some((Chain::Input, cut)),
        cut if cut.from == asked.own && cut.at_sender => Some((Chain::Output, cut)),
        _ => None,
    };
    asked.machines.cuts.iter().filter_map(of).filter(|(found, _)| chain.is_none_or(|chain| chain == *found)).collect()
}

fn heal(rule: &CutLink) -> Fault {
    Fault::HealOneWay { from: rule.from.clone(), to: rule.to.clone() }
}

fn list(chain: Option<Chain>, asked: &Asked) -> Done {
    let rules = rules(None, asked);
    let mut out = Vec::new();
    for (name, of) in [("INPUT", Some(Chain::Input)), ("FORWARD", None), ("OUTPUT", Some(Chain::Output))] {
        if chain.is_some() && chain != of {
            continue;
        }
        if !out.is_empty() {
            out.push(String::new());
        }
        out.push(format!("Chain {name} (policy ACCEPT)"));
        out.push("target     prot opt source               destination".into());
        for (_, rule) in rules.iter().filter(|(found, _)| Some(*found) == of) {
            let (source, destination) =
                if of == Some(Chain::Input) { (rule.from.as_str(), "anywhere") } else { ("anywhere", rule.to.as_str()) };
            out.push(format!("DROP       all  --  {source:<20} {destination}"));
        }
    }
    Done::said(out)
}

fn show(chain: Option<Chain>, asked: &Asked) -> Done {
    let mut out: Vec<String> = Vec::new();
    if chain.is_none() {
        out.extend(["INPUT", "FORWARD", "OUTPUT"].map(|name| format!("-P {name} ACCEPT")));
    }
    out.extend(rules(chain, asked).into_iter().map(|(of, rule)| match of {
        Chain::Input => format!("-A INPUT -s {} -j DROP", rule.from),
        Chain::Output => format!("-A OUTPUT -d {} -j DROP", rule.to),
    }));
    Done::said(out)
}
