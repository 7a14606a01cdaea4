//! Wavefront OBJ by way of `tobj`.

use nalgebra::Vector3;

use super::super::mesh::{Mesh, too_many_triangles, too_many_vertices};
use super::super::{MAX_TRIANGLES, MAX_VERTICES};
use super::brief;

/// All faces of the file as triangles (polygons as fans), in the file's frame. Points and lines are left out.
pub(super) fn parse(bytes: &[u8]) -> Result<Mesh, String> {
    let geometry = geometry_lines(bytes);
    let options = tobj::LoadOptions {
        triangulate: true,
        ignore_points: true,
        ignore_lines: true,
        ..Default::default()
    };
    let no_materials = |_: &std::path::Path| Ok(Default::default());
    let (models, _) = tobj::load_obj_buf(&mut geometry.as_slice(), &options, no_materials)
        .map_err(|e| format!("{} in an OBJ line", brief(e)))?;
    let mut mesh = Mesh::default();
    for model in models {
        let base = mesh.vertices.len();
        let vertices = model.mesh.positions.chunks_exact(3);
        let triangles = model.mesh.indices.chunks_exact(3);
        if base + vertices.len() > MAX_VERTICES {
            return Err(too_many_vertices());
        }
        if mesh.triangles.len() + triangles.len() > MAX_TRIANGLES {
            return Err(too_many_triangles());
        }
        mesh.vertices.extend(vertices.map(Vector3::from_row_slice));
        mesh.triangles
            .extend(triangles.map(|t| [t[0], t[1], t[2]].map(|i| i + base as u32)));
    }
    Ok(mesh)
}

/// Only positions and the position indices of faces, one statement a line.
///
/// Object, group and material lines would make `tobj` split one surface into several, texture and normal indices
/// are multiplied there without a check, and names need not be UTF-8. None of these matter to a shape.
fn geometry_lines(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut continues = false;
    let mut keep = false;
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.trim_ascii();
        let (line, goes_on) = match line.strip_suffix(b"\\") {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let line = line.split(|b| *b == b'#').next().unwrap_or_default();
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|w| !w.is_empty())
            .peekable();
        if !continues {
            keep = matches!(words.peek(), Some(&(b"v" | b"f")));
        }
        if keep {
            for word in words {
                let index_end = word.iter().position(|b| *b == b'/').unwrap_or(word.len());
                kept.extend_from_slice(&word[..index_end]);
                kept.push(b' ');
            }
            if !goes_on {
                kept.push(b'\n');
            }
        }
        continues = goes_on;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n";

    fn triangles(faces: &str) -> Vec<[Vector3<f32>; 3]> {
        let mesh = parse(format!("{SQUARE}{faces}").as_bytes()).expect("a readable OBJ");
        (0..mesh.triangles.len()).map(|t| mesh.corners(t)).collect()
    }

    #[test]
    fn every_way_of_writing_a_face_reads_the_same() {
        let want = triangles("f 1 2 3 4");
        assert_eq!(want.len(), 2);
        assert_eq!(want[1][2], Vector3::new(0.0, 1.0, 0.0));
        for faces in [
            "f 1/1 2/2 3/3 4/4",
            "f 1//9 2//9 3//9 4//9",
            "f 1/1/4611686018427387905 2/2/1 3/3/1 4/4/1",
            "f -4 -3 -2 -1",
            "o a\nusemtl m\ng b\ns off\nf 1 2 3\nusemtl n\nl 1 2\np 1\nf 1 3 4",
            "f 1 2 \\\n 3 4 # a square",
            "\r\nf 1 2 3 4\r\n",
        ] {
            assert_eq!(triangles(faces), want, "{faces}");
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        for faces in [
            "f 1 2 9", "f 1 2 x", "f -9 1 2", "v 1 2", "v a b c", "f 0 1 2",
        ] {
            let text = format!("{SQUARE}{faces}");
            assert!(parse(text.as_bytes()).is_err(), "{faces}");
        }
        // A name that is not UTF-8 does not matter.
        assert!(parse(b"o \xff\xfe\nv 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n").is_ok());
    }
}
