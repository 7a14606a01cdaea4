//! The network and its checkpoint (specification, section 5).

pub mod checkpoint;
pub mod config;
pub mod denoiser;
pub mod fused;
pub mod kinematics;
pub mod network;
pub mod weights;

pub use checkpoint::Checkpoint;
pub use config::ModelConfig;
pub use network::Network;
pub use weights::Weights;
