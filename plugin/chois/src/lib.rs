//! CHOIS (Controllable Human-Object Interaction Synthesis, Li et al., ECCV 2024) in Rust, free of any engine.
//!
//! Modules stand in pipeline order. Data goes one way: a stage knows the data types of the stage before it and
//! nothing of the stage after it. Tensors stay inside [`model`], [`diffusion`] and [`training`].

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
