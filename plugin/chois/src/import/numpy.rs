//! NumPy arrays as they lie in pickles: an object that names shape, type and order, and the bytes.

use half::{bf16, f16};

use super::pickle::{Global, Id, Node, Pickle, ScalarType};

/// Type of an array's numbers and their byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DType {
    pub scalar: ScalarType,
    pub big_endian: bool,
}

/// The `numpy.dtype` at `id`.
pub(super) fn dtype(pickle: &Pickle<'_>, id: Id) -> Result<DType, String> {
    let Node::Object {
        global: Global::DType,
        arguments,
        state,
        ..
    } = pickle.node(id)
    else {
        return Err(format!(
            "an array's type is {}, not a dtype",
            pickle.kind(id)
        ));
    };
    let code = pickle
        .tuple(*arguments)
        .and_then(|a| a.first())
        .and_then(|c| pickle.text(*c))
        .unwrap_or("");
    let scalar = match code {
        "f2" => ScalarType::F16,
        "f4" => ScalarType::F32,
        "f8" => ScalarType::F64,
        "i1" => ScalarType::I8,
        "i2" => ScalarType::I16,
        "i4" => ScalarType::I32,
        "i8" => ScalarType::I64,
        "u1" => ScalarType::U8,
        "b1" => ScalarType::Bool,
        _ => {
            let shown: String = code
                .chars()
                .take(16)
                .flat_map(char::escape_default)
                .collect();
            return Err(format!(
                "an array has type {shown:?}; numbers (f2, f4, f8, i1 to i8, u1, b1) are read"
            ));
        }
    };
    // State: (version, byte order, ...). Without it the order is the machine's, which is little-endian everywhere
    // that CHOIS was trained.
    let order = state
        .and_then(|s| pickle.tuple(s))
        .and_then(|s| s.get(1))
        .and_then(|o| pickle.text(*o));
    match order {
        None | Some("<" | "|" | "=") => Ok(DType {
            scalar,
            big_endian: false,
        }),
        Some(">") => Ok(DType {
            scalar,
            big_endian: true,
        }),
        Some(_) => Err("an array's byte order is neither < nor >".to_owned()),
    }
}

/// Number of bytes of an array, unless it overflows.
pub(super) fn byte_length(shape: &[usize], dtype: DType) -> Option<usize> {
    shape
        .iter()
        .try_fold(dtype.scalar.size(), |n, d| n.checked_mul(*d))
}

/// One number from its bytes in little-endian order.
pub(super) fn number(bytes: &[u8], scalar: ScalarType) -> f64 {
    let mut b = [0_u8; 8];
    b[..bytes.len()].copy_from_slice(bytes);
    let [b0, b1, b2, b3, ..] = b;
    match scalar {
        ScalarType::F16 => f16::from_le_bytes([b0, b1]).to_f64(),
        ScalarType::Bf16 => bf16::from_le_bytes([b0, b1]).to_f64(),
        ScalarType::F32 => f32::from_le_bytes([b0, b1, b2, b3]).into(),
        ScalarType::F64 => f64::from_le_bytes(b),
        ScalarType::I8 => i8::from_le_bytes([b0]).into(),
        ScalarType::I16 => i16::from_le_bytes([b0, b1]).into(),
        ScalarType::I32 => i32::from_le_bytes([b0, b1, b2, b3]).into(),
        ScalarType::I64 => i64::from_le_bytes(b) as f64,
        ScalarType::U8 | ScalarType::Bool => b0.into(),
    }
}

/// Numbers of an array in row-major order. `data` must have [`byte_length`] bytes.
pub(super) fn numbers(data: &[u8], shape: &[usize], dtype: DType, fortran: bool) -> Vec<f64> {
    let size = dtype.scalar.size();
    let mut values: Vec<f64> = data
        .chunks_exact(size)
        .map(|chunk| {
            let mut b = [0_u8; 8];
            b[..size].copy_from_slice(chunk);
            if dtype.big_endian {
                b[..size].reverse();
            }
            number(&b[..size], dtype.scalar)
        })
        .collect();
    if fortran && shape.len() > 1 {
        let column_major = values.clone();
        for (i, value) in values.iter_mut().enumerate() {
            let (mut rest, mut at, mut stride) = (i, 0, 1);
            // Column-major strides grow from the first axis on, row-major indices from the last.
            let mut index = vec![0; shape.len()];
            for (axis, d) in shape.iter().enumerate().rev() {
                index[axis] = rest % d;
                rest /= d;
            }
            for (axis, d) in shape.iter().enumerate() {
                at += index[axis] * stride;
                stride *= d;
            }
            *value = column_major[at];
        }
    }
    values
}
