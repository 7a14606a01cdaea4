//! A glTF 2.0 file in memory.
//!
//! The document model is `gltf-json`'s; accessors and buffers are resolved here with every index and range checked, because
//! the readers of the `gltf` crate trust a document that passed its validation with more than it validates (cyclic nodes,
//! ranges, sparse indices).

use gltf_json::accessor::{ComponentType, GenericComponentType, Type};
use gltf_json::validation::{Checked, USize64};
use gltf_json::{Accessor, Index, Root};

use crate::error::brief;

/// Most bytes of all buffers together.
const MAX_BUFFERS: usize = 1 << 30;

/// A document and its buffers.
pub(crate) struct GltfFile {
    pub root: Root,
    buffers: Vec<Vec<u8>>,
}

impl GltfFile {
    /// Reads a `.glb` or `.gltf`. `refuse` makes an error of what is wrong with it; `outside` fetches the buffer of that
    /// number, which lies in another file, by its URI.
    ///
    /// # Errors
    /// Those of `refuse` and `outside`.
    pub fn read<E>(
        bytes: &[u8],
        refuse: impl Fn(String) -> E,
        outside: impl Fn(usize, &str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let (json, blob) = if bytes.starts_with(b"glTF") {
            chunks(bytes).map_err(&refuse)?
        } else {
            (bytes, None)
        };
        let root: Root = gltf_json::deserialize::from_slice(json)
            .map_err(|e| refuse(format!("its JSON cannot be read: {}", brief(e))))?;
        let mut buffers = Vec::with_capacity(root.buffers.len());
        let mut room = MAX_BUFFERS;
        for (i, buffer) in root.buffers.iter().enumerate() {
            let data = match &buffer.uri {
                None => match blob {
                    Some(blob) if i == 0 => blob.to_vec(),
                    // A placeholder that only a decoder of an extension would fill: fails when it is asked for.
                    _ => Vec::new(),
                },
                Some(uri) if uri.starts_with("data:") => {
                    inline(uri).map_err(|e| refuse(format!("buffer {i} cannot be decoded: {e}")))?
                }
                Some(uri) => outside(i, uri)?,
            };
            room = (room.checked_sub(data.len())).ok_or_else(|| {
                refuse("its buffers hold more than a gibibyte together; simplify it".into())
            })?;
            buffers.push(data);
        }
        Ok(Self { root, buffers })
    }

    /// The vectors (or matrices, by columns) of an accessor, numbers of any kind that `KHR_mesh_quantization` allows;
    /// `what` is what they are called, `most` how many there may be.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn vectors<const N: usize>(
        &self,
        index: Index<Accessor>,
        what: &str,
        most: usize,
    ) -> Result<Vec<[f32; N]>, String> {
        let accessor = get(&self.root.accessors, index, "accessor")?;
        let Checked::Valid(GenericComponentType(kind)) = accessor.component_type else {
            return Err(unreadable(what));
        };
        if width(accessor) != Some(N) || kind == ComponentType::U32 {
            return Err(unreadable(what));
        }
        let size = component_size(kind);
        let count = usize_of(accessor.count);
        if count > most {
            return Err(format!(
                "it has more than {most} {what} in one part; simplify it"
            ));
        }
        let read = |bytes: &[u8]| -> [f32; N] {
            std::array::from_fn(|i| {
                component(&bytes[i * size..(i + 1) * size], kind, accessor.normalized)
            })
        };
        let mut values: Vec<[f32; N]> = match accessor.buffer_view {
            Some(view) => {
                let offset = accessor.byte_offset.map_or(0, usize_of);
                self.elements(view, offset, count, N * size)?
                    .map(read)
                    .collect()
            }
            None => vec![[0.0; N]; count],
        };
        if let Some(sparse) = &accessor.sparse {
            let changed = usize_of(sparse.count).min(count);
            let Checked::Valid(index_kind) = sparse.indices.component_type else {
                return Err(unreadable("sparse indices"));
            };
            let width = component_size(index_kind.0);
            let at = &sparse.indices;
            let at = self.elements(at.buffer_view, usize_of(at.byte_offset), changed, width)?;
            let to = &sparse.values;
            let to = self.elements(to.buffer_view, usize_of(to.byte_offset), changed, N * size)?;
            for (at, to) in at.zip(to) {
                let slot = values
                    .get_mut(unsigned(at) as usize)
                    .ok_or_else(|| unreadable("sparse indices"))?;
                *slot = read(to);
            }
        }
        Ok(values)
    }

    /// An accessor of vertex indices.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn indices(&self, index: Index<Accessor>) -> Result<Vec<u32>, String> {
        let accessor = get(&self.root.accessors, index, "accessor")?;
        let Checked::Valid(GenericComponentType(
            kind @ (ComponentType::U8 | ComponentType::U16 | ComponentType::U32),
        )) = accessor.component_type
        else {
            return Err(unreadable("indices"));
        };
        let view = accessor.buffer_view.ok_or_else(|| unreadable("indices"))?;
        if width(accessor) != Some(1) || accessor.sparse.is_some() {
            return Err(unreadable("indices"));
        }
        let offset = accessor.byte_offset.map_or(0, usize_of);
        let count = usize_of(accessor.count);
        let elements = self.elements(view, offset, count, component_size(kind))?;
        Ok(elements.map(unsigned).collect())
    }

    /// The bytes of a part of a buffer.
    ///
    /// # Errors
    /// That it is not there.
    pub fn view(&self, view: Index<gltf_json::buffer::View>) -> Result<&[u8], String> {
        let view = get(&self.root.buffer_views, view, "buffer view")?;
        let buffer = self.buffers.get(view.buffer.value()).ok_or_else(cut)?;
        let start = view.byte_offset.map_or(0, usize_of);
        let end = start.checked_add(usize_of(view.byte_length));
        let bytes = end.and_then(|end| buffer.get(start..end));
        bytes.ok_or_else(cut)
    }

    /// The bytes of `count` elements of `size` bytes, from `offset` of a buffer view on.
    fn elements(
        &self,
        view: Index<gltf_json::buffer::View>,
        offset: usize,
        count: usize,
        size: usize,
    ) -> Result<impl Iterator<Item = &[u8]>, String> {
        let bytes = self.view(view)?;
        let view = get(&self.root.buffer_views, view, "buffer view")?;
        // Zero means tightly packed.
        let stride = view
            .byte_stride
            .map_or(size, |s| if s.0 == 0 { size } else { s.0 });
        if stride < size {
            return Err("two vertices of it overlap in their buffer".to_owned());
        }
        let bytes = bytes.get(offset..).ok_or_else(cut)?;
        let needed = match count.checked_sub(1) {
            None => 0,
            Some(before) => before
                .checked_mul(stride)
                .and_then(|n| n.checked_add(size))
                .ok_or_else(cut)?,
        };
        let bytes = bytes.get(..needed).ok_or_else(cut)?;
        Ok(bytes.chunks(stride).map(move |c| &c[..size]))
    }
}

/// What an address that holds its data itself says.
pub(crate) fn inline(uri: &str) -> Result<Vec<u8>, String> {
    let source = gltf::buffer::Source::Uri(uri);
    let data = gltf::buffer::Data::from_source(source, None).map_err(brief)?;
    Ok(data.0)
}

/// An entry of a list of the document.
pub(crate) fn get<'a, T>(list: &'a [T], index: Index<T>, what: &str) -> Result<&'a T, String> {
    list.get(index.value())
        .ok_or_else(|| format!("{what} {} does not exist", index.value()))
}

/// How many elements an accessor says it has.
pub(crate) fn usize_of(n: USize64) -> usize {
    usize::try_from(n.0).unwrap_or(usize::MAX)
}

/// How many numbers an element has.
pub(crate) fn width(accessor: &Accessor) -> Option<usize> {
    let Checked::Valid(kind) = accessor.type_ else {
        return None;
    };
    Some(match kind {
        Type::Scalar => 1,
        Type::Vec2 => 2,
        Type::Vec3 => 3,
        Type::Vec4 | Type::Mat2 => 4,
        Type::Mat3 => 9,
        Type::Mat4 => 16,
    })
}

fn cut() -> String {
    "it is cut short: a part lies beyond the end of its buffer".to_owned()
}

fn unreadable(what: &str) -> String {
    format!("its {what} are stored in a way that glTF 2.0 does not allow; export it again")
}

/// The JSON and the binary chunk of a binary glTF file.
fn chunks(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), String> {
    let word = |at: usize| -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(four.try_into().ok()?))
    };
    let cut = || {
        format!(
            "it is cut short: {} bytes are not all of it; export or copy it again",
            bytes.len()
        )
    };
    let version = word(4).ok_or_else(cut)?;
    if version != 2 {
        return Err(format!(
            "it is glTF version {version}; export it as glTF 2.0"
        ));
    }
    let whole = word(8).ok_or_else(cut)? as usize;
    let file = bytes.get(..whole).ok_or_else(cut)?;
    let (mut json, mut blob) = (None, None);
    let mut at = 12;
    while at < file.len() {
        let length = word(at).ok_or_else(cut)? as usize;
        let kind = word(at + 4).ok_or_else(cut)?.to_le_bytes();
        let start = at + 8;
        let end = start.checked_add(length).ok_or_else(cut)?;
        let data = file.get(start..end).ok_or_else(cut)?;
        match &kind {
            b"JSON" if json.is_none() => json = Some(data),
            b"BIN\0" if blob.is_none() => blob = Some(data),
            // The specification asks readers to pass over chunks they do not know.
            _ => {}
        }
        at = end;
    }
    Ok((json.ok_or("it has no JSON chunk")?, blob))
}

fn component_size(kind: ComponentType) -> usize {
    match kind {
        ComponentType::I8 | ComponentType::U8 => 1,
        ComponentType::I16 | ComponentType::U16 => 2,
        ComponentType::U32 | ComponentType::F32 => 4,
    }
}

/// One little-endian component; `bytes` is as long as the kind demands.
fn component(bytes: &[u8], kind: ComponentType, normalized: bool) -> f32 {
    let bits = unsigned(bytes);
    let (value, full) = match kind {
        ComponentType::F32 => return f32::from_bits(bits),
        ComponentType::I8 => (f32::from(bits as u8 as i8), 127.0),
        ComponentType::U8 => (bits as f32, 255.0),
        ComponentType::I16 => (f32::from(bits as u16 as i16), 32767.0),
        ComponentType::U16 => (bits as f32, 65535.0),
        ComponentType::U32 => (bits as f32, u32::MAX as f32),
    };
    match normalized {
        true => (value / full).max(-1.0),
        false => value,
    }
}

/// Up to four little-endian bytes as a number.
fn unsigned(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b))
}
