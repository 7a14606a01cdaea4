//! The command line of the viewer.

use std::path::PathBuf;

use clap::Parser;

/// A room, a person and an object: say what happens and see it.
///
/// Without a screen (no DISPLAY on Linux) it renders the same room off-screen into --out.
#[derive(Clone, Debug, Parser)]
#[command(name = "viewer", version)]
pub struct Args {
    /// One more avatar: a skinned humanoid, .glb, .gltf or .vrm. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub avatar: Vec<PathBuf>,
    /// One more object: any mesh, .glb or .gltf. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub object: Vec<PathBuf>,
    /// Another room than the shipped one (.ron).
    #[arg(long, value_name = "FILE")]
    pub room: Option<PathBuf>,
    /// Checkpoint folder; by default the shipped one.
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// CLIP ViT-B/32 text tower (safetensors), for checkpoints that need it.
    #[arg(long, value_name = "FILE")]
    pub clip_weights: Option<PathBuf>,
    /// Do not open a window: play the demo's script off-screen into --out.
    #[arg(long, conflicts_with = "script")]
    pub headless: bool,
    /// Where pictures and the .glb go when there is no window.
    #[arg(long, value_name = "FOLDER", default_value = "target/demo")]
    pub out: PathBuf,
    /// Play a script (.ron) off-screen.
    #[arg(long, value_name = "FILE", requires = "screenshot")]
    pub script: Option<PathBuf>,
    /// The folder for the script's pictures.
    #[arg(long, value_name = "FOLDER", requires = "script")]
    pub screenshot: Option<PathBuf>,
    /// Size of pictures and window, pixels.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<[u32; 2]>,
}

/// `1280x720`.
fn size(text: &str) -> Result<[u32; 2], String> {
    let wrong = || format!("{text:?} is not a size like 1280x720");
    let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let sides = [width, height].map(|side| side.trim().parse::<u32>());
    let [Ok(width), Ok(height)] = sides else {
        return Err(wrong());
    };
    if [width, height]
        .iter()
        .all(|side| (16..=8192).contains(side))
    {
        Ok([width, height])
    } else {
        Err(format!(
            "{text:?}: each side must be from 16 to 8192 pixels"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("1280x720"), Ok([1280, 720]));
        for wrong in [
            "",
            "x",
            "1280",
            "1280x",
            "0x720",
            "10x720",
            "9999x9999",
            "-3x5",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
