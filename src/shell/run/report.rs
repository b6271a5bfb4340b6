//! What the history hears of tools: their beginning, their end and the first of what they printed.

use super::Env;
use super::table::Running;
use crate::kafka::event::Event;
use crate::kafka::names::Name;
use crate::shell::screen::cut;
use crate::shell::tools::tool_name;

/// Of what a tool prints, its last event holds this much.
pub const OUTPUT_BYTES: usize = 2 << 10;
/// Of a tool's arguments, its events hold as many as have room in this.
pub const ARGS_BYTES: usize = 8 << 10;
/// Says that a tool began.
pub fn report_start(name: &str, args: &[String], job: u32, env: &mut Env) {
    env.out.emit(Event::ToolStarted { session: env.spec.session, job, tool: tool_name(name).into(), args: told(args) });
}

/// Arguments as events tell them.
fn told(args: &[String]) -> Vec<Name> {
    let mut room = ARGS_BYTES;
    let fits = |arg: &&String| {
        let left = room.checked_sub(arg.len() + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    args.iter().take_while(fits).map(|arg| arg.as_str().into()).collect()
}

/// Says that a tool has ended.
pub fn report_end(running: &Running, job: u32, status: i32, env: &mut Env) {
    env.out.emit(Event::ToolEnded {
        session: env.spec.session,
        job,
        tool: tool_name(&running.name).into(),
        args: told(&running.args),
        status,
        output: cut(&running.said, OUTPUT_BYTES).unwrap_or(&running.said).into(),
    });
}
