//! NumPy's `.npy` files, as far as the distance grids need them: arrays of floats in C order.

/// Bytes before the header's length: magic and version.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Shape and values of an array of `float32` or `float64` (narrowed).
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<usize>, Vec<f32>), String> {
    let cut = || "it is cut short; copy it again".to_owned();
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it does not begin like a NumPy array (.npy)")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        other => return Err(format!("it is .npy version {other}; save it as version 1")),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text".to_owned())?;
    if field(header, "fortran_order")?.starts_with("True") {
        return Err("it is in Fortran order; save numpy.ascontiguousarray of it".to_owned());
    }
    let shape = shape(field(header, "shape")?)?;
    let count = shape
        .iter()
        .try_fold(1usize, |n, d| n.checked_mul(*d))
        .ok_or_else(cut)?;
    let kind = field(header, "descr")?;
    let (size, double) = if kind.starts_with("'<f4'") {
        (4, false)
    } else if kind.starts_with("'<f8'") {
        (8, true)
    } else {
        return Err("its numbers are not float32 or float64, little endian".to_owned());
    };
    if count.checked_mul(size) != Some(data.len()) {
        return Err(format!(
            "its shape {shape:?} does not go with {} bytes of numbers of {size} bytes each",
            data.len()
        ));
    }
    let values = if double {
        let (chunks, _) = data.as_chunks::<8>();
        chunks
            .iter()
            .map(|c| f64::from_le_bytes(*c) as f32)
            .collect()
    } else {
        let (chunks, _) = data.as_chunks::<4>();
        chunks.iter().map(|c| f32::from_le_bytes(*c)).collect()
    };
    Ok((shape, values))
}

/// An array of `float32` in C order as a version 1 file.
pub(super) fn write(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let shape: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    // The numbers begin at a multiple of 64 bytes.
    let before = MAGIC.len() + 4;
    let padded = (before + header.len() + 1).next_multiple_of(64) - before;
    header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// What follows a key of the header, which is a Python dictionary of three entries.
fn field<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    header
        .split_once(&format!("'{key}':"))
        .map(|(_, value)| value.trim_start())
        .ok_or_else(|| format!("its header has no {key}"))
}

/// A Python tuple of sizes.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let unreadable = || "its shape cannot be read".to_owned();
    let (inside, _) = text
        .strip_prefix('(')
        .and_then(|t| t.split_once(')'))
        .ok_or_else(unreadable)?;
    inside
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .map(|d| d.parse().map_err(|_| unreadable()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let values: Vec<f32> = (0..24).map(|i| i as f32 / 7.0).collect();
        let bytes = write(&[2, 3, 4], &values);
        assert_eq!((bytes.len() - 24 * 4) % 64, 0);
        assert_eq!(read(&bytes), Ok((vec![2, 3, 4], values)));
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn doubles_and_version_two_are_read_and_the_rest_refused() {
        let file = |descr: &str, order: &str, shape: &str, data: &[u8]| {
            let header =
                format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
            let mut bytes = MAGIC.to_vec();
            bytes.extend([2, 0]);
            bytes.extend((header.len() as u32).to_le_bytes());
            bytes.extend(header.as_bytes());
            bytes.extend(data);
            read(&bytes)
        };
        let two: Vec<u8> = [1.5f64, -2.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(
            file("<f8", "False", "(2,)", &two),
            Ok((vec![2], vec![1.5, -2.0]))
        );
        for (descr, order, shape, word) in [
            ("<f8", "True", "(2,)", "Fortran"),
            (">f8", "False", "(2,)", "little endian"),
            ("<i8", "False", "(2,)", "not float32"),
            ("<f8", "False", "(3,)", "does not go with"),
            ("<f8", "False", "(18446744073709551615, 9)", "cut short"),
            ("<f8", "False", "2", "shape"),
            ("<f8", "False", "(-2,)", "shape"),
        ] {
            let error = file(descr, order, shape, &two).expect_err(word);
            assert!(error.contains(word), "{error}");
        }
    }
}
