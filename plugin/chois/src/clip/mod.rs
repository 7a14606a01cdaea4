//! Motion clips in files: our safetensors form and glTF.
