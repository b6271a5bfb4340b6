//! A partition on disk: segments, indexes, leader epochs, recovery.
//!
//! The formats, as pure functions over bytes:
//! * [`file_name`]: what the files of a folder are called, and so are.
//! * [`segment_file`]: batch after batch, up to where it is torn or corrupt.
//! * [`offset_index`], [`time_index`], and [`segment_index`], the rule when entries are written.
//! * [`transaction_index`], [`producer_snapshot`]: what else belongs to a segment.
//! * [`epoch_cache`], [`checkpoint_file`], [`properties_file`]: the small text files.
//! * [`dump`] (with [`dump_index`], [`control_json`]): files as the text of `kafka-dump-log`.
//! * [`inspect`]: files as data for the page.
//!
//! The log that a broker works with:
//! * [`config`]: its settings.
//! * [`partition_log`]: one partition's log; [`segment`] and [`producer_state`]: its parts.
//! * [`append`], [`roll`], [`read`], [`truncate`], [`log_producers`]: what is done with it.
//! * [`validator`]: what a leader checks and changes before it appends.
//! * [`flush`]: what is made stable at once.
//! * [`retention`]: what goes because it is old or too much.
//! * [`cleanable`], [`cleaner`], [`cleaned_transactions`]: compaction.
//! * [`recovery`], [`producer_loader`]: opening it again.

pub mod append;
pub mod checkpoint_file;
pub mod cleanable;
pub mod cleaned_transactions;
pub mod cleaner;
pub mod config;
pub mod control_json;
pub mod dump;
pub mod dump_index;
pub mod epoch_cache;
pub mod file_name;
pub mod flush;
pub mod inspect;
pub mod log_producers;
pub mod offset_index;
pub mod partition_log;
pub mod producer_loader;
pub mod producer_snapshot;
pub mod producer_state;
pub mod properties_file;
pub mod read;
pub mod recovery;
pub mod retention;
pub mod roll;
pub mod segment;
pub mod segment_file;
pub mod segment_index;
#[cfg(test)]
mod tests;
pub mod time_index;
pub mod transaction_index;
pub mod truncate;
pub mod validator;
