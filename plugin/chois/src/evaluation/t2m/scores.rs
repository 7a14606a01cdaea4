//! What is computed of embeddings, one sample a row: R-precision, Fréchet distance, diversity, multimodality.

use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};

/// Motions among which a sentence has to find its own, as published.
pub const POOL: usize = 32;
/// Pairs of the published diversity.
pub const DIVERSITY_PAIRS: usize = 300;
/// One sample a row, from embeddings of the same length.
///
/// # Errors
/// [`Error::Invalid`] when there are none or their lengths differ.
pub fn stack(embeddings: &[DVector<f64>]) -> Result<DMatrix<f64>> {
    let width = embeddings.first().map_or(0, |e| e.len());
    if width == 0 || embeddings.iter().any(|e| e.len() != width) {
        return Err(Error::invalid(
            "embeddings",
            "give at least one, all of the same length",
        ));
    }
    Ok(DMatrix::from_fn(embeddings.len(), width, |r, c| {
        embeddings[r][c]
    }))
}

fn check_finite(name: &str, x: &DMatrix<f64>) -> Result<()> {
    // Squares must stay finite too.
    if x.iter().all(|v| v.abs() < 1e100) {
        return Ok(());
    }
    Err(Error::invalid(
        name,
        "it holds values that are not finite; leave such samples out",
    ))
}

fn check_pairs(text: &DMatrix<f64>, motion: &DMatrix<f64>) -> Result<()> {
    check_finite("text embeddings", text)?;
    check_finite("motion embeddings", motion)?;
    if text.shape() == motion.shape() && !text.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(
        "embeddings",
        format!(
            "text {:?} and motion {:?} must have the same shape, a row for each pair",
            text.shape(),
            motion.shape()
        ),
    ))
}

/// Share of sentences whose own motion is among the 1, 2, ... `top_k` nearest (Euclid) of a pool of `pool` neighbours in
/// the order given; the last pool is dropped when it is not full, as published (pool 32, top 3 reported).
///
/// # Errors
/// [`Error::Invalid`] when the shapes differ, a value is not finite, `top_k` is not 1 to `pool`, or no pool is full.
pub fn r_precision(
    text: &DMatrix<f64>,
    motion: &DMatrix<f64>,
    top_k: usize,
    pool: usize,
) -> Result<Vec<f64>> {
    check_pairs(text, motion)?;
    let samples = text.nrows();
    if top_k == 0 || top_k > pool || samples < pool {
        return Err(Error::invalid(
            "R-precision",
            format!(
                "top {top_k} of a pool of {pool} from {samples} samples; the pool must be full and hold top_k or more"
            ),
        ));
    }
    let pools = samples / pool;
    let mut hits = vec![0usize; top_k];
    for own in 0..pools * pool {
        let first = own / pool * pool;
        let to = |m: usize| (text.row(own) - motion.row(m)).norm();
        let distance = to(own);
        // Of equally near ones the first is taken first.
        let rank = (first..first + pool)
            .filter(|m| {
                let d = to(*m);
                d < distance || (d == distance && *m < own)
            })
            .count();
        hits.iter_mut().skip(rank).for_each(|h| *h += 1);
    }
    let asked = (pools * pool) as f64;
    Ok(hits.into_iter().map(|h| h as f64 / asked).collect())
}

/// Mean distance of a sentence to its own motion.
///
/// # Errors
/// [`Error::Invalid`] when the shapes differ or a value is not finite.
pub fn matching_score(text: &DMatrix<f64>, motion: &DMatrix<f64>) -> Result<f64> {
    check_pairs(text, motion)?;
    let sum: f64 = (text.row_iter().zip(motion.row_iter()))
        .map(|(t, m)| (t - m).norm())
        .sum();
    Ok(sum / text.nrows() as f64)
}

/// Mean and covariance of embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    /// Mean.
    pub mean: DVector<f64>,
    /// Covariance, divided by the number of samples less one.
    pub covariance: DMatrix<f64>,
}

impl Gaussian {
    /// Of samples in rows.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fewer than two samples or values that are not finite.
    pub fn of(samples: &DMatrix<f64>) -> Result<Self> {
        check_finite("embeddings", samples)?;
        if samples.nrows() < 2 || samples.ncols() == 0 {
            return Err(Error::invalid(
                "embeddings",
                format!(
                    "{} samples have no covariance; give two or more",
                    samples.nrows()
                ),
            ));
        }
        let mean = samples.row_mean();
        let mut centred = samples.clone();
        for mut row in centred.row_iter_mut() {
            row -= &mean;
        }
        Ok(Self {
            covariance: centred.tr_mul(&centred) / (samples.nrows() - 1) as f64,
            mean: mean.transpose(),
        })
    }
}

/// Fréchet distance of two Gaussians: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).
///
/// The trace of the root of C1 C2 is that of the root of C1^(1/2) C2 C1^(1/2), which is symmetric.
///
/// # Errors
/// [`Error::Invalid`] when the dimensions differ, a value is not finite, or an eigenvalue cannot be found.
pub fn fid(a: &Gaussian, b: &Gaussian) -> Result<f64> {
    let n = a.mean.len();
    let fits = |g: &Gaussian| g.mean.len() == n && g.covariance.shape() == (n, n);
    if n == 0 || !fits(a) || !fits(b) {
        return Err(Error::invalid(
            "embeddings",
            format!("{n} and {} dimensions cannot be compared", b.mean.len()),
        ));
    }
    for g in [a, b] {
        check_finite("covariance of the embeddings", &g.covariance)?;
        if g.mean.iter().any(|v| !v.is_finite()) {
            return Err(Error::invalid("mean of the embeddings", "it is not finite"));
        }
    }
    let eigen = eigen(a.covariance.clone())?;
    // Rounding makes eigenvalues that are zero a little negative.
    let roots = DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(0.0).sqrt()));
    let root = &eigen.eigenvectors * roots * eigen.eigenvectors.transpose();
    let inner = &root * &b.covariance * &root;
    let inner = (&inner + inner.transpose()) / 2.0;
    let trace: f64 = (self::eigen(inner)?.eigenvalues.iter())
        .map(|v| v.max(0.0).sqrt())
        .sum();
    let apart = (&a.mean - &b.mean).norm_squared();
    Ok(apart + a.covariance.trace() + b.covariance.trace() - 2.0 * trace)
}

fn eigen(symmetric: DMatrix<f64>) -> Result<SymmetricEigen<f64, nalgebra::Dyn>> {
    let rounds = 1000 + 100 * symmetric.nrows();
    SymmetricEigen::try_new(symmetric, f64::EPSILON, rounds).ok_or_else(|| {
        Error::invalid(
            "covariance of the embeddings",
            "its eigenvalues cannot be found; give more samples",
        )
    })
}

/// Mean distance of samples `first[i]` and `second[i]`.
///
/// # Errors
/// [`Error::Invalid`] when there are no pairs, as many first as second ones are not given, or an index is not a sample's.
pub fn mean_pair_distance(
    samples: &DMatrix<f64>,
    first: &[usize],
    second: &[usize],
) -> Result<f64> {
    check_finite("embeddings", samples)?;
    let known = |i: &usize| *i < samples.nrows();
    if first.is_empty() || first.len() != second.len() || !first.iter().chain(second).all(known) {
        return Err(Error::invalid(
            "pairs",
            format!(
                "{} and {} indices of {} samples; give as many of both, at least one",
                first.len(),
                second.len(),
                samples.nrows()
            ),
        ));
    }
    let sum: f64 = (first.iter().zip(second))
        .map(|(a, b)| (samples.row(*a) - samples.row(*b)).norm())
        .sum();
    Ok(sum / first.len() as f64)
}

/// Two draws of `pairs` different indices each; a pair may be an index with itself, as published.
fn draw_pairs(samples: usize, pairs: usize, seed: u64) -> Result<[Vec<usize>; 2]> {
    if pairs == 0 || pairs > samples {
        return Err(Error::invalid(
            "pairs",
            format!("{pairs} from {samples} samples; 1 to the number of samples can be drawn"),
        ));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Ok([(); 2].map(|()| rand::seq::index::sample(&mut rng, samples, pairs).into_vec()))
}

/// Diversity: mean distance of `pairs` random pairs of samples ([`DIVERSITY_PAIRS`] as published).
///
/// # Errors
/// [`Error::Invalid`] when there are fewer samples than pairs, no pairs, or values that are not finite.
pub fn diversity(samples: &DMatrix<f64>, pairs: usize, seed: u64) -> Result<f64> {
    let [first, second] = draw_pairs(samples.nrows(), pairs, seed)?;
    mean_pair_distance(samples, &first, &second)
}

/// Multimodality: mean distance of `pairs` random pairs among the motions of one sentence, mean over sentences. Each
/// matrix holds the motions of one sentence; the same pairs are drawn for all, as published.
///
/// # Errors
/// [`Error::Invalid`] when there is no sentence, their numbers of motions differ, or as [`diversity`].
pub fn multimodality(sentences: &[DMatrix<f64>], pairs: usize, seed: u64) -> Result<f64> {
    let shape = sentences.first().map_or((0, 0), |s| s.shape());
    if sentences.is_empty() || sentences.iter().any(|s| s.shape() != shape) {
        return Err(Error::invalid(
            "sentences",
            "give at least one, each with the same number of motions",
        ));
    }
    let [first, second] = draw_pairs(shape.0, pairs, seed)?;
    let mut sum = 0.0;
    for sentence in sentences {
        sum += mean_pair_distance(sentence, &first, &second)?;
    }
    Ok(sum / sentences.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaussian(mean: &[f64], covariance: DMatrix<f64>) -> Gaussian {
        Gaussian {
            mean: DVector::from_row_slice(mean),
            covariance,
        }
    }

    #[test]
    fn frechet_distance_of_axis_aligned_gaussians() {
        let diagonal = |v: &[f64]| DMatrix::from_diagonal(&DVector::from_row_slice(v));
        let a = gaussian(&[0.0, 1.0, 2.0], diagonal(&[1.0, 4.0, 0.0]));
        let b = gaussian(&[3.0, 1.0, -2.0], diagonal(&[9.0, 1.0, 0.25]));
        // 25 of the means; (1 - 3)^2 + (2 - 1)^2 + (0 - 0.5)^2 of the deviations.
        let want = 25.0 + 4.0 + 1.0 + 0.25;
        assert!((fid(&a, &b).expect("a distance") - want).abs() < 1e-9);
        assert!((fid(&b, &a).expect("a distance") - want).abs() < 1e-9);
        assert!(fid(&a, &a).expect("a distance").abs() < 1e-9);
    }

    #[test]
    fn frechet_distance_of_covariances_that_do_not_commute() {
        let a = gaussian(
            &[0.0; 2],
            DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 3.0]),
        );
        let b = gaussian(
            &[0.0; 2],
            DMatrix::from_row_slice(2, 2, &[5.0, -2.0, -2.0, 1.0]),
        );
        let product = &a.covariance * &b.covariance;
        // The trace of the root of a 2 x 2 matrix: sqrt(tr + 2 sqrt(det)).
        let root = (product.trace() + 2.0 * product.determinant().sqrt()).sqrt();
        let want = 5.0 + 6.0 - 2.0 * root;
        assert!((fid(&a, &b).expect("a distance") - want).abs() < 1e-9);
    }

    #[test]
    fn mean_and_covariance_of_a_square() {
        let samples = DMatrix::from_row_slice(4, 2, &[0.0, 0.0, 2.0, 0.0, 0.0, 4.0, 2.0, 4.0]);
        let g = Gaussian::of(&samples).expect("statistics");
        assert_eq!(g.mean.as_slice(), [1.0, 2.0]);
        let want = [4.0 / 3.0, 0.0, 0.0, 16.0 / 3.0];
        assert!(
            g.covariance
                .iter()
                .zip(want)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }

    #[test]
    fn r_precision_counts_ranks_within_pools() {
        // Motions on a line; each sentence lies at its motion, except that 0 lies at 2 and 1 lies just above 2.
        let motion = DMatrix::from_fn(9, 1, |r, _| r as f64);
        let mut text = motion.clone();
        text[0] = 2.0;
        text[1] = 2.2;
        // Two pools of 4, the ninth sample is dropped. To sentence 0 three motions are nearer than its own, to sentence 1
        // two, to the others none.
        let got = r_precision(&text, &motion, 4, 4).expect("precision");
        assert_eq!(got, [6.0 / 8.0, 6.0 / 8.0, 7.0 / 8.0, 1.0]);
        let other_pool = r_precision(&text, &motion, 1, 9).expect("precision");
        assert_eq!(other_pool, [7.0 / 9.0]);
        let all_equal = DMatrix::zeros(4, 2);
        let ties = r_precision(&all_equal, &all_equal, 2, 4).expect("precision");
        assert_eq!(ties, [0.25, 0.5]);
        assert!((matching_score(&text, &motion).expect("a score") - 3.2 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn diversity_of_a_simplex_is_its_side() {
        // All corners are sqrt 2 apart, a pair of a corner with itself 0.
        let simplex = DMatrix::<f64>::identity(50, 50);
        let [first, second] = draw_pairs(50, 40, 7).expect("pairs");
        let apart = first.iter().zip(&second).filter(|(a, b)| a != b).count();
        let want = 2f64.sqrt() * apart as f64 / 40.0;
        assert!(apart > 30);
        let got = diversity(&simplex, 40, 7).expect("diversity");
        assert!((got - want).abs() < 1e-12);
        assert_eq!(got, diversity(&simplex, 40, 7).expect("diversity"));
        let mut unique = first.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 40, "drawn without putting back");
        let seeds: Vec<_> = (0..4)
            .map(|s| draw_pairs(50, 40, s).expect("pairs"))
            .collect();
        assert!(seeds.iter().skip(1).any(|s| *s != seeds[0]));

        let one = multimodality(&[simplex.clone(), simplex.clone() * 3.0], 40, 7);
        assert!((one.expect("multimodality") - 2.0 * want).abs() < 1e-12);
        let still = DMatrix::repeat(50, 3, 4.0);
        assert_eq!(diversity(&still, 50, 1).expect("diversity"), 0.0);
    }

    #[test]
    fn unusable_embeddings_are_refused() {
        let good = DMatrix::<f64>::identity(4, 4);
        let mut nan = good.clone();
        nan[(2, 1)] = f64::NAN;
        let empty = DMatrix::<f64>::zeros(0, 0);
        assert!(r_precision(&good, &nan, 1, 4).is_err());
        assert!(r_precision(&good, &good, 5, 4).is_err());
        assert!(r_precision(&good, &good, 0, 4).is_err());
        assert!(r_precision(&good, &good, 1, 5).is_err());
        assert!(r_precision(&good, &DMatrix::identity(4, 5), 1, 4).is_err());
        assert!(r_precision(&empty, &empty, 1, 1).is_err());
        assert!(matching_score(&empty, &empty).is_err());
        assert!(Gaussian::of(&nan).is_err());
        assert!(Gaussian::of(&DMatrix::zeros(1, 3)).is_err());
        assert!(Gaussian::of(&empty).is_err());
        let g = |n: usize| Gaussian::of(&DMatrix::<f64>::identity(n, n)).expect("statistics");
        assert!(fid(&g(3), &g(4)).is_err());
        let mut bad = g(3);
        bad.mean[1] = f64::INFINITY;
        assert!(fid(&g(3), &bad).is_err());
        assert!(diversity(&good, 5, 0).is_err());
        assert!(diversity(&good, 0, 0).is_err());
        assert!(diversity(&nan, 4, 0).is_err());
        assert!(mean_pair_distance(&good, &[0, 4], &[1, 1]).is_err());
        assert!(mean_pair_distance(&good, &[0], &[1, 1]).is_err());
        assert!(multimodality(&[], 1, 0).is_err());
        assert!(multimodality(&[good.clone(), DMatrix::identity(5, 5)], 1, 0).is_err());
        assert!(stack(&[]).is_err());
        assert!(stack(&[DVector::zeros(3), DVector::zeros(4)]).is_err());
    }
}
