//! What the stage shows, as keyed shapes: geometry and motion without a browser, so that they are tested natively.
//!
//! * [`shape`]: points, boxes, inks (roles, not colours) and forms
//! * [`item`]: the things a shape belongs to, which can be pointed at
//! * [`plan`]: where columns, rows and lanes stand for one viewport
//! * [`motion`]: what changed lately and is still travelling, in virtual time
//! * [`build`]: a snapshot on a plan becomes a [`shape::Scene`]
//! * `column`, `strip`, `row`, `client`, `frame`, `wall`: its parts
//! * [`words`]: the same state in sentences, for who hears the stage
//! * [`sample`]: clusters made up for tests and demonstrations
//!
//! Position is a pure function of (now, sent, due): while virtual time stands still, nothing moves.

pub mod build;
mod client;
mod column;
pub mod frame;
pub mod item;
pub mod motion;
pub mod plan;
mod route;
mod row;
pub mod sample;
pub mod shape;
mod strip;
mod wall;
pub mod words;
