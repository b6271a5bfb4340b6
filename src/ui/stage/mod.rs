//! The canvas: two layers, one for what changes with the cluster and one for what moves; above them, a button for each thing.

mod canvas;
mod legend;
mod mirror;
mod painter;
mod palette;
pub mod store;
mod view;

pub use view::Stage;
