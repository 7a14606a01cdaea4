//! One of a few settings for each frame of a clip, found over the whole clip by dynamic programming: what would flip between
//! two when chosen frame by frame stays with one, or goes over in time.

/// The setting of each frame for which the costs (`costs[frame][setting]`) and `change` for each notch from a frame to the next
/// come to least; no more than a notch a frame. The first frame's change is from any.
pub(super) fn cheapest<const N: usize>(costs: &[[f32; N]], change: f32) -> Vec<usize> {
    let mut least = [0.0f32; N];
    let mut came: Vec<[usize; N]> = Vec::with_capacity(costs.len());
    for costs in costs {
        let was = least;
        let mut from = [0; N];
        for notch in 0..N {
            let paid = |other: usize| was[other] + other.abs_diff(notch) as f32 * change;
            let about = notch.saturating_sub(1)..=(notch + 1).min(N - 1);
            from[notch] = about
                .min_by(|a, b| paid(*a).total_cmp(&paid(*b)))
                .unwrap_or(notch);
            least[notch] = paid(from[notch]) + costs[notch];
        }
        came.push(from);
    }
    let Some(mut notch) = (0..N).min_by(|a, b| least[*a].total_cmp(&least[*b])) else {
        return Vec::new();
    };
    let mut out = vec![0; costs.len()];
    for (out, from) in out.iter_mut().zip(&came).rev() {
        *out = notch;
        notch = from[notch];
    }
    out
}

/// The angle of a setting, radians: the middle one of `N` is none, the outer ones are `most`.
pub(super) fn angle<const N: usize>(notch: usize, most: f32) -> f32 {
    let middle = (N / 2) as f32;
    (notch as f32 - middle) / middle * most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_with_one_side_and_goes_over_in_time() {
        // Two sides cost the same by turns: one is kept.
        let by_turns: Vec<[f32; 5]> = (0..30)
            .map(|f| {
                let mut costs = [1.0; 5];
                costs[if f % 2 == 0 { 0 } else { 4 }] = 0.9;
                costs
            })
            .collect();
        let kept = cheapest(&by_turns, 0.5);
        assert!(kept.iter().all(|n| *n == kept[0]), "{kept:?}");
        // Where the other side is worth it, it is there on time.
        let mut later = vec![[0.0, 5.0, 5.0, 5.0, 5.0]; 20];
        later.extend(vec![[50.0, 50.0, 50.0, 50.0, 0.0]; 20]);
        let went = cheapest(&later, 0.5);
        assert_eq!((went[0], went[20], went[39]), (0, 4, 4));
        assert!(went.windows(2).all(|w| w[0].abs_diff(w[1]) <= 1));
        assert_eq!(cheapest::<5>(&[], 1.0), Vec::<usize>::new());
        assert_eq!([0, 2, 4].map(|n| angle::<5>(n, 2.0)), [-2.0, 0.0, 2.0]);
    }
}
