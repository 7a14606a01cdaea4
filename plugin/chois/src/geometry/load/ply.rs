//! Stanford PLY by way of `ply-rs-bw`.

use nalgebra::Vector3;
use ply_rs_bw::parser::{Parser, Reader};
use ply_rs_bw::ply::{
    ElementDef, Encoding, Property, PropertyAccess, PropertyAccessResult, PropertyType, ScalarType,
};

use super::super::mesh::{Mesh, too_many_triangles, too_many_vertices};
use super::super::{MAX_TRIANGLES, MAX_VERTICES};
use super::brief;

/// One element of any kind: a vertex fills `position`, a face fills `corners`.
#[derive(Default)]
struct Element {
    position: Vector3<f32>,
    corners: Vec<i64>,
}

impl PropertyAccess for Element {
    fn new() -> Self {
        Self::default()
    }

    fn set_property(&mut self, name: &str, value: Property) -> PropertyAccessResult {
        let axis = match name {
            "x" => 0,
            "y" => 1,
            "z" => 2,
            "vertex_indices" | "vertex_index" => {
                self.corners = match value {
                    Property::ListChar(l) => l.into_iter().map(i64::from).collect(),
                    Property::ListUChar(l) => l.into_iter().map(i64::from).collect(),
                    Property::ListShort(l) => l.into_iter().map(i64::from).collect(),
                    Property::ListUShort(l) => l.into_iter().map(i64::from).collect(),
                    Property::ListInt(l) => l.into_iter().map(i64::from).collect(),
                    Property::ListUInt(l) => l.into_iter().map(i64::from).collect(),
                    _ => return PropertyAccessResult::UnsupportedType,
                };
                return PropertyAccessResult::Set;
            }
            _ => return PropertyAccessResult::Ignored,
        };
        match value.to_f32_lossy() {
            Some(value) => {
                self.position[axis] = value;
                PropertyAccessResult::Set
            }
            None => PropertyAccessResult::UnsupportedType,
        }
    }
}

/// All faces of the file as triangles (polygons as fans), in the file's frame.
pub(super) fn parse(bytes: &[u8]) -> Result<Mesh, String> {
    let parser = Parser::<Element>::new();
    let mut reader = Reader::new(bytes);
    let header = parser.read_header(&mut reader).map_err(brief)?;
    let left = reader.get_ref().len();
    let mut needed = 0usize;
    for element in header.elements.values() {
        needed = needed.saturating_add(least_bytes(element, header.encoding)?);
        // Before anything is read, so that the header alone cannot ask for memory.
        if needed > left {
            return Err(format!(
                "it is cut short: its header promises {} of element {}, which need at least {needed} bytes, and {left} \
                 follow",
                element.count, element.name
            ));
        }
    }
    let count = |name: &str| header.elements.get(name).map_or(0, |e| e.count);
    if count("vertex") > MAX_VERTICES {
        return Err(too_many_vertices());
    }
    if count("face") > MAX_TRIANGLES {
        return Err(too_many_triangles());
    }
    if let Some(vertex) = header.elements.get("vertex") {
        for axis in ["x", "y", "z"] {
            if !vertex.properties.contains_key(axis) {
                return Err(format!("its vertices have no property {axis}"));
            }
        }
    }
    let mut payload = parser.read_payload(&mut reader, &header).map_err(brief)?;
    let vertices: Vec<_> = payload
        .swap_remove("vertex")
        .unwrap_or_default()
        .iter()
        .map(|v| v.position)
        .collect();
    let mut triangles = Vec::new();
    for (f, face) in payload
        .swap_remove("face")
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let corner = |i: usize| {
            u32::try_from(face.corners[i])
                .map_err(|_| format!("face {f} asks for vertex {}", face.corners[i]))
        };
        for i in 2..face.corners.len() {
            triangles.push([corner(0)?, corner(i - 1)?, corner(i)?]);
        }
        if triangles.len() > MAX_TRIANGLES {
            return Err(too_many_triangles());
        }
    }
    Ok(Mesh {
        vertices,
        triangles,
    })
}

/// The fewest bytes that all elements of one kind can take.
fn least_bytes(element: &ElementDef, encoding: Encoding) -> Result<usize, String> {
    let scalar = |kind: &ScalarType| match kind {
        _ if encoding == Encoding::Ascii => 2,
        ScalarType::Char | ScalarType::UChar => 1,
        ScalarType::Short | ScalarType::UShort => 2,
        ScalarType::Int | ScalarType::UInt | ScalarType::Float => 4,
        ScalarType::Double => 8,
    };
    if element.properties.is_empty() && element.count > 0 {
        return Err(format!("its element {} has no properties", element.name));
    }
    let one: usize = element
        .properties
        .values()
        .map(|p| match &p.data_type {
            PropertyType::Scalar(kind) => scalar(kind),
            // An empty list is only its length.
            PropertyType::List(length, _) => scalar(length),
        })
        .sum();
    // The last line of a text file may end without a separator.
    let missing = usize::from(encoding == Encoding::Ascii && element.count > 0);
    Ok(one.saturating_mul(element.count) - missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "element vertex 4\nproperty float x\nproperty float y\nproperty float z\n\
                          property uchar red\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n";
    const SQUARE: [[f32; 3]; 4] = [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 1.0, 0.0],
        [0.0, 1.0, 0.5],
    ];

    fn ascii() -> Vec<u8> {
        let mut text = format!("ply\nformat ascii 1.0\ncomment a square\n{HEADER}");
        for v in SQUARE {
            text += &format!("{} {} {} 7\n", v[0], v[1], v[2]);
        }
        text += "4 0 1 2 3";
        text.into_bytes()
    }

    fn binary(big: bool) -> Vec<u8> {
        let order = if big { "big" } else { "little" };
        let mut bytes = format!("ply\nformat binary_{order}_endian 1.0\n{HEADER}").into_bytes();
        for v in SQUARE {
            for c in v {
                bytes.extend(if big {
                    c.to_be_bytes()
                } else {
                    c.to_le_bytes()
                });
            }
            bytes.push(7);
        }
        bytes.push(4);
        for i in 0i32..4 {
            bytes.extend(if big {
                i.to_be_bytes()
            } else {
                i.to_le_bytes()
            });
        }
        bytes
    }

    #[test]
    fn text_and_both_byte_orders_read_the_same() {
        let mesh = parse(&ascii()).expect("text");
        assert_eq!(mesh.vertices, SQUARE.map(Vector3::from));
        assert_eq!(mesh.triangles, [[0, 1, 2], [0, 2, 3]]);
        assert_eq!(parse(&binary(false)).expect("little endian"), mesh);
        assert_eq!(parse(&binary(true)).expect("big endian"), mesh);
    }

    #[test]
    fn every_truncation_is_refused() {
        for whole in [ascii(), binary(false), binary(true)] {
            for length in 0..whole.len() - 1 {
                assert!(
                    parse(&whole[..length]).is_err(),
                    "{length} of {}",
                    whole.len()
                );
            }
        }
    }

    #[test]
    fn counts_in_the_header_are_not_believed() {
        let text = String::from_utf8(ascii()).expect("text");
        for (from, to, word) in [
            ("vertex 4", "vertex 18446744073709551615", "cut short"),
            ("face 1", "face 4000000000", "cut short"),
            (
                "property list uchar int vertex_indices\n",
                "",
                "no properties",
            ),
            ("property float z\n", "", "no property z"),
            ("4 0 1 2 3", "4 0 1 2 -3", "face 0 asks for vertex -3"),
            ("4 0 1 2 3", "4000000000 0 1 2 3", ""),
            ("int vertex_indices", "float vertex_indices", ""),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let error = parse(changed.as_bytes()).expect_err(to);
            assert!(error.contains(word), "{to}: {error}");
        }
    }
}
