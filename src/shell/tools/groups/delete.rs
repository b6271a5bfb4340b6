//! `--delete`: each group by itself; what became of them is said at the end.

use std::collections::VecDeque;

use kafka_protocol::messages::{DeleteGroupsRequest, GroupId};

use super::args::Groups as Which;
use super::{Flow, in_runtime, requests, unexpected};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, response};

/// A deletion under way.
#[derive(Clone, Debug)]
pub struct Delete {
    which: Which,
    /// The front one is being deleted; none before the groups are known.
    ahead: VecDeque<String>,
    over: Vec<(String, Result<(), Exception>)>,
}

impl Delete {
    pub fn new(which: Which) -> Delete {
        Delete { which, ahead: VecDeque::new(), over: Vec::new() }
    }

    pub fn begin(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        match &self.which {
            Which::Named(names) => {
                self.ahead = names.iter().cloned().collect();
                self.next(admin, cx)
            }
            Which::All => {
                let now = cx.now;
                admin.begin(|client| client.list_groups(now, requests::list(&[], &[])));
                Ok(None)
            }
        }
    }

    pub fn answered(&mut self, result: Result<Outcome, Exception>, admin: &mut Admin, cx: &mut Context) -> Flow {
        match (self.ahead.pop_front(), result) {
            (Some(group), result) => {
                let result = result.and_then(response).and_then(|answer| match answer {
                    Response::DeleteGroups(body) => {
                        let code = body.results.first().map_or(-1, |group| group.error_code);
                        if code == 0 { Ok(()) } else { Err(Exception::of(code, None)) }
                    }
                    other => Err(unexpected(other.api())),
                });
                self.over.push((group, result));
                self.next(admin, cx)
            }
            (None, Ok(Outcome::Groups(groups))) => {
                self.ahead = requests::listed(&groups).into_iter().map(|group| group.group).collect();
                self.next(admin, cx)
            }
            (None, Ok(other)) => Err(crate::shell::tools::admin::unexpected(&other)),
            (None, Err(error)) => Err(in_runtime(&error)),
        }
    }

    fn next(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        let Some(group) = self.ahead.front() else {
            self.report(cx);
            return Ok(Some(0));
        };
        let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(group.clone().into())]);
        admin.ask(cx.now, "deleteConsumerGroups", Target::Coordinator(group.as_str().into()), request);
        Ok(None)
    }

    fn report(&mut self, cx: &mut Context) {
        let over = hash::order(std::mem::take(&mut self.over), 16, |(group, _)| java_string_hash(group));
        let deleted: Vec<&str> = over.iter().filter(|(_, result)| result.is_ok()).map(|(group, _)| group.as_str()).collect();
        let quoted = format!("'{}'", deleted.join("', '"));
        if deleted.len() == over.len() {
            return cx.print.line(format!("Deletion of requested consumer groups ({quoted}) was successful."));
        }
        cx.print.line("");
        cx.print.line("Error: Deletion of some consumer groups failed:");
        for (group, result) in &over {
            if let Err(error) = result {
                cx.print.line(format!("* Group '{group}' could not be deleted due to: {error}"));
            }
        }
        if !deleted.is_empty() {
            cx.print.line("");
            cx.print.line(format!("These consumer groups were deleted successfully: {quoted}"));
        }
    }
}
