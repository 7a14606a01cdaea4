//! Pictures of what is drawn, as PNG files.

use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};

/// How the last picture went.
#[derive(Resource, Debug, Default, PartialEq)]
pub enum Picture {
    /// None was asked for.
    #[default]
    None,
    /// Under way.
    Waiting,
    /// In its file.
    Written(PathBuf),
    /// What went wrong.
    Failed(String),
}

/// Takes a picture of an image that is drawn to, at the end of this frame.
pub fn take(commands: &mut Commands, of: Screenshot, path: &Path) {
    let path = path.to_owned();
    commands.insert_resource(Picture::Waiting);
    commands.spawn(of).observe(
        move |captured: On<ScreenshotCaptured>, mut picture: ResMut<Picture>| {
            *picture = match write(&captured.image, &path) {
                Ok(()) => Picture::Written(path.clone()),
                Err(reason) => {
                    Picture::Failed(format!("cannot write {}: {reason}", path.display()))
                }
            };
        },
    );
}

fn write(image: &Image, path: &Path) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    }
    let image = image
        .clone()
        .try_into_dynamic()
        .map_err(|e| e.to_string())?;
    // Alpha holds brightness where more than a screen can show was drawn.
    image.to_rgb8().save(path).map_err(|e| e.to_string())
}
