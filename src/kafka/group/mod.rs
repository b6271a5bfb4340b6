//! Group coordinator and assignors.
