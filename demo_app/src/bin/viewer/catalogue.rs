//! Which avatars and objects there are to choose from.

use std::path::{Path, PathBuf};

use bevy::asset::AssetPath;
use bevy::prelude::*;
use chois::{Error, Result};

/// How the files of avatars end.
const AVATARS: &[&str] = &["glb", "gltf", "vrm"];
/// How the files of objects end.
const OBJECTS: &[&str] = &["glb", "gltf"];

/// A glTF file that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What people call it: the file's name, blanks for underscores.
    pub name: String,
    /// Where it is.
    pub path: AssetPath<'static>,
}

/// What can be chosen.
#[derive(Resource, Clone, Debug, Default)]
pub struct Catalogue {
    /// Humanoids.
    pub avatars: Vec<Entry>,
    /// Things.
    pub objects: Vec<Entry>,
}

impl Catalogue {
    /// The shipped files under `assets`, and the user's own.
    ///
    /// # Errors
    /// [`Error::Read`] for a folder or a file that cannot be read.
    pub fn scan(assets: &Path, avatars: &[PathBuf], objects: &[PathBuf]) -> Result<Self> {
        Ok(Self {
            avatars: entries(assets, "avatars", AVATARS, avatars)?,
            objects: entries(assets, "objects", OBJECTS, objects)?,
        })
    }

    /// An avatar by its name.
    pub fn avatar(&self, name: &str) -> Option<&Entry> {
        self.avatars.iter().find(|entry| entry.name == name)
    }

    /// An object by its name.
    pub fn object(&self, name: &str) -> Option<&Entry> {
        self.objects.iter().find(|entry| entry.name == name)
    }
}

/// The names in a sentence.
pub fn names(entries: &[Entry]) -> String {
    let names: Vec<_> = entries.iter().map(|e| format!("{:?}", e.name)).collect();
    names.join(", ")
}

/// What people call a file.
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.replace('_', " ")
}

fn ends_in(path: &Path, ends: &[&str]) -> bool {
    let end = path.extension().unwrap_or_default();
    ends.iter().any(|e| end.eq_ignore_ascii_case(e))
}

/// The user's own files first, for they are what they want to see.
fn entries(assets: &Path, folder: &str, ends: &[&str], own: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in own {
        let read = |source| Error::Read {
            path: path.clone(),
            source,
        };
        if !ends_in(path, ends) {
            let reason = format!("must end in .{}", ends.join(" or ."));
            return Err(Error::malformed(path, "glTF file", reason));
        }
        std::fs::File::open(path).map_err(read)?;
        let path = path.canonicalize().map_err(read)?;
        entries.push(Entry {
            name: name_of(&path),
            path: AssetPath::from_path_buf(path),
        });
    }
    let place = assets.join(folder);
    let read = |source| Error::Read {
        path: place.clone(),
        source,
    };
    let mut shipped = Vec::new();
    for file in std::fs::read_dir(&place).map_err(read)? {
        let path = file.map_err(read)?.path();
        if let (true, Some(file)) = (ends_in(&path, ends), path.file_name()) {
            shipped.push(Entry {
                name: name_of(&path),
                path: AssetPath::from_path_buf(Path::new(folder).join(file)),
            });
        }
    }
    shipped.sort_by(|a, b| a.name.cmp(&b.name));
    entries.extend(shipped);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_come_before_shipped_ones_and_only_gltf_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, b"").expect("written");
            path
        };
        for name in [
            "avatars/b.glb",
            "avatars/a_b.GLB",
            "avatars/LICENSE",
            "objects/x.gltf",
            "objects/y.vrm",
        ] {
            write(name);
        }
        let own = [write("own/zed.glb"), write("own/anna.vrm")];
        let found = Catalogue::scan(folder.path(), &own, &[]).expect("readable");
        let names: Vec<_> = found.avatars.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["zed", "anna", "a b", "b"]);
        assert_eq!(found.objects.len(), 1);
        assert!(Catalogue::scan(folder.path(), &[], &own[1..]).is_err());
        assert!(found.object("x").is_some() && found.avatar("x").is_none());
        assert!(Catalogue::scan(folder.path(), &[], &["missing.glb".into()]).is_err());
        assert!(Catalogue::scan(&folder.path().join("none"), &[], &[]).is_err());
    }
}
