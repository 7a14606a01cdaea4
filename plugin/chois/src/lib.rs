//! CHOIS (Controllable Human-Object Interaction Synthesis, Li et al., ECCV 2024) in Rust, free of any engine.
//!
//! Data passes [`skeleton`], [`ik`], [`geometry`] and [`text`]; [`scene`], [`command`] and [`navigation`]; [`request`],
//! [`motion`], [`condition`], [`model`], [`diffusion`] and [`synthesis`]; [`project`], [`clip`], [`figure`], [`contact`] and
//! [`retarget`]. Tensors stay in [`model`], [`diffusion`], [`training`], the text encoders, the evaluator's networks and
//! [`import`]; axes are swapped in [`frame`] only.
//!
//! Where docs name a section of the *specification*, or a question (Q3) of it, they mean the notes that this port was written
//! from, which follow the paper (arXiv 2312.03913) and its published code part by part; golden vectors of that code hold what
//! was checked.

pub mod clip;
pub mod command;
pub mod condition;
pub mod contact;
pub mod device;
pub mod diffusion;
pub mod error;
pub mod evaluation;
pub mod figure;
pub mod frame;
pub mod geometry;
mod gltf_file;
pub mod ik;
pub mod import;
pub mod model;
pub mod motion;
pub mod navigation;
pub mod project;
pub mod request;
pub mod retarget;
pub mod scene;
pub mod skeleton;
pub mod synthesis;
pub mod text;
pub mod training;

pub use error::{Error, Result};
pub use motion::MotionClip;
pub use request::InteractionRequest;
