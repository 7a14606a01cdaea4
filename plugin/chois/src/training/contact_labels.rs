//! Contact labels from the distance of the palms to the object (specification, sections 1 and 10).

/// Labels (1 touching, 0 not) of left and right hand per frame: `distances` T x 2 in metres below `threshold`, gaps of up
/// to `max_gap` frames closed, contacts of a single frame removed.
pub fn derive(distances: &[[f32; 2]], threshold: f32, max_gap: usize) -> Vec<[f32; 2]> {
    let mut labels: Vec<[bool; 2]> = distances.iter().map(|d| d.map(|d| d < threshold)).collect();
    for hand in 0..2 {
        let mut last = None;
        for t in 0..labels.len() {
            if !labels[t][hand] {
                continue;
            }
            if let Some(last) = last
                && t - last <= max_gap + 1
            {
                labels[last..t].iter_mut().for_each(|l| l[hand] = true);
            }
            last = Some(t);
        }
        for t in 0..labels.len() {
            let before = t > 0 && labels[t - 1][hand];
            let after = labels.get(t + 1).is_some_and(|next| next[hand]);
            if !before && !after {
                labels[t][hand] = false;
            }
        }
    }
    labels
        .into_iter()
        .map(|l| l.map(|touching| f32::from(u8::from(touching))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(pattern: &str, max_gap: usize) -> String {
        let distances: Vec<_> = pattern
            .chars()
            .map(|c| [if c == '#' { 0.01 } else { 0.2 }, f32::NAN])
            .collect();
        derive(&distances, 0.05, max_gap)
            .iter()
            .map(|l| {
                assert_eq!(l[1], 0.0, "a distance that is no number is no contact");
                if l[0] > 0.5 { '#' } else { '.' }
            })
            .collect()
    }

    #[test]
    fn gaps_close_and_blips_go() {
        assert_eq!(left("..##..###...", 2), "..#######...");
        assert_eq!(left("..##...###..", 2), "..##...###..");
        assert_eq!(left("#.....#.....", 2), "............");
        assert_eq!(left("", 2), "");
        assert_eq!(left("##", 0), "##");
    }
}
