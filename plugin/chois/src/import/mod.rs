//! Checkpoints of the official release become ours: `model-10.pt`, the statistics file and `bps.pt` go in, a
//! [`Checkpoint`](crate::model::Checkpoint) comes out.
//!
//! All three files are Python pickles, a format that can run any program when Python reads it. Here nothing runs:
//! `pickle` only builds data, and refuses every name that is not on its short list.

mod joblib;
mod numpy;
mod official;
mod pickle;
mod torch_zip;

pub use joblib::{Array, read_arrays};
pub use official::{ImportOptions, OfficialCheckpoint, convert, read_bps, read_statistics};
pub use official::{parse_bps, parse_statistics};
pub use pickle::{Global, Id, Node, Pickle, ScalarType};
pub use torch_zip::TorchArchive;
