//! Reads single named tensors of a safetensors file and says precisely what is wrong with one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use tch::Tensor;

use crate::{Error, Result};

const KIND: &str = "text encoder";
/// Longest header that is read, in bytes. The releases in use have some tens of kilobytes.
const MAX_HEADER: u64 = 16 << 20;

/// An open safetensors file. Only the tensors that are asked for are read, so that the vision half of a CLIP
/// release costs nothing.
pub(super) struct Weights {
    path: PathBuf,
    file: File,
    header: Metadata,
    data_start: u64,
}

impl Weights {
    /// Opens the file and checks its header. `what` and `remedy` speak where there is no such file.
    pub fn open(path: &Path, what: &'static str, remedy: &'static str) -> Result<Self> {
        if !path.is_file() {
            return Err(Error::Missing {
                what,
                path: path.to_owned(),
                remedy,
            });
        }
        let failed = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let malformed = |reason: String| Error::malformed(path, KIND, reason);

        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length < 8 {
            return Err(malformed(format!(
                "it has {length} bytes, too few for a safetensors file"
            )));
        }
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(failed)?;
        let header_length = u64::from_le_bytes(size);
        if header_length > MAX_HEADER.min(length - 8) {
            return Err(malformed(format!(
                "its header claims {header_length} bytes of {length}; it is truncated or no safetensors file"
            )));
        }
        let mut header = vec![0; header_length as usize];
        file.read_exact(&mut header).map_err(failed)?;
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|e| malformed(format!("its header: {e}")))?;
        let data_start = 8 + header_length;
        let expected = data_start.saturating_add(header.data_len() as u64);
        if expected != length {
            return Err(malformed(format!(
                "it has {length} bytes where its header describes {expected}; fetch it again"
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            data_start,
        })
    }

    /// An error about this file.
    pub fn malformed(&self, reason: impl std::fmt::Display) -> Error {
        Error::malformed(&self.path, KIND, reason)
    }

    /// Whether there is any tensor whose name begins so.
    pub fn contains_under(&self, prefix: &str) -> bool {
        self.header
            .offset_keys()
            .iter()
            .any(|name| name.starts_with(prefix))
    }

    /// Dimensions of a matrix (rows, columns).
    pub fn matrix_shape(&self, name: &str) -> Result<[i64; 2]> {
        let info = self.info(name)?;
        match *info.shape.as_slice() {
            // Sizes are bounded by the file's length, so that they fit.
            [rows, columns] => Ok([rows as i64, columns as i64]),
            _ => Err(self.malformed(format!(
                "tensor {name} has shape {:?} where a matrix is needed",
                info.shape
            ))),
        }
    }

    /// A tensor of this name and shape as float32; float16, bfloat16 and float64 are converted.
    pub fn tensor(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let info = self.info(name)?;
        if !info
            .shape
            .iter()
            .map(|&n| n as i64)
            .eq(shape.iter().copied())
        {
            return Err(self.malformed(format!(
                "tensor {name} has shape {:?} where {shape:?} is needed",
                info.shape
            )));
        }
        let dtype = info.dtype;
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let read = self
            .file
            .seek(SeekFrom::Start(self.data_start + start as u64))
            .and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|source| Error::Read {
            path: self.path.clone(),
            source,
        })?;
        let values: Vec<f32> = match dtype {
            Dtype::F32 => decode(&bytes, f32::from_le_bytes),
            Dtype::F16 => decode(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => decode(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => decode(&bytes, |b| f64::from_le_bytes(b) as f32),
            other => {
                return Err(self.malformed(format!(
                    "tensor {name} holds {other:?} where floating-point numbers are needed"
                )));
            }
        };
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(self.malformed(format!(
                "tensor {name} holds {} at element {at}; every weight must be finite",
                values[at]
            )));
        }
        Ok(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
    }

    fn info(&self, name: &str) -> Result<&safetensors::tensor::TensorInfo> {
        self.header
            .info(name)
            .ok_or_else(|| self.malformed(format!("tensor {name} is not in it")))
    }
}

fn decode<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| value(chunk)).collect()
}
