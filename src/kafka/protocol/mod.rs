//! What travels between processes: typed requests and responses.
