//! Rigs made in code: whose bones are found, and what a clip looks like on them.

mod change;
mod find;
mod play;

use super::*;

fn found(rig: &Rig) -> RigMap {
    find_bones(rig, &RigHints::default()).unwrap_or_else(|e| panic!("{e}"))
}
