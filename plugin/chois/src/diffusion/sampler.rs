//! What all samplers share: the run they work on, noise, progress and cancellation.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Device, Kind, Tensor};

use super::inpaint::Inpaint;
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::model::denoiser::Denoiser;
use crate::model::fused::{Constants, FusedDenoiser};
use crate::motion::features::FEATURES;
use crate::motion::inertia;
use crate::request::Variation;

/// Predicts clean motion (B, T, 220) from noisy motion at a step of the schedule.
pub trait Predict {
    /// The prediction, unclamped.
    fn predict(&self, x: &Tensor, step: usize) -> Tensor;
}

/// The parity path: the published operations in their order.
pub struct ParityPredictor<'a> {
    /// The denoiser.
    pub denoiser: &'a Denoiser,
    /// (B, T, object width + 220).
    pub condition: &'a Tensor,
    /// (B, width).
    pub language: Option<&'a Tensor>,
    /// (B, 1, T + 1).
    pub padding: Option<&'a Tensor>,
}

impl Predict for ParityPredictor<'_> {
    fn predict(&self, x: &Tensor, step: usize) -> Tensor {
        let t = Tensor::full([x.size()[0]], step as i64, (Kind::Int64, x.device()));
        self.denoiser
            .forward(x, &t, self.condition, self.language, self.padding, None)
    }
}

/// The fast path, with the tokens of all steps computed at once.
pub struct FastPredictor<'a> {
    denoiser: &'a FusedDenoiser,
    constants: Constants,
    times: Tensor,
    base: Option<Tensor>,
    channels: Option<Tensor>,
}

impl<'a> FastPredictor<'a> {
    /// Prepares the constants of a request. `base` is what the raw output is measured from.
    pub fn new(
        denoiser: &'a FusedDenoiser,
        schedule: &Schedule,
        condition: &Tensor,
        language: Option<&Tensor>,
        padding: Option<&Tensor>,
        base: Option<Tensor>,
    ) -> Self {
        let steps = Tensor::arange(schedule.steps() as i64, (Kind::Int64, condition.device()));
        Self {
            denoiser,
            constants: denoiser.constants(condition, language, padding),
            times: denoiser.time_tokens(&steps),
            base,
            channels: None,
        }
    }

    /// With the channels (B, 1, 220) that the windows use, see [`crate::model::Network::channels`].
    #[must_use]
    pub fn channels(mut self, channels: Option<Tensor>) -> Self {
        self.channels = channels;
        self
    }
}

impl Predict for FastPredictor<'_> {
    fn predict(&self, x: &Tensor, step: usize) -> Tensor {
        let time = self.times.narrow(0, step as i64, 1);
        let used = self.channels.as_ref().map(|c| x * c);
        let x = used.as_ref().unwrap_or(x);
        let mut out = self.denoiser.forward(x, &time, &self.constants, 0.0);
        if let Some(base) = &self.base {
            out += base;
        }
        match &self.channels {
            Some(channels) => out * channels,
            None => out,
        }
    }
}

/// Where a sampler stands when it asks for guidance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Step of the schedule, counting down to 0.
    pub step: usize,
    /// Steps that this sampler still makes after this one.
    pub remaining: usize,
    /// Variance of the schedule's posterior at the step.
    pub variance: f32,
}

/// Moves a clean prediction toward what is wanted.
pub trait Guide {
    /// The moved prediction, or `None` when nothing is to be done at this moment.
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor>;
}

/// Where noise comes from.
pub trait NoiseSource {
    /// Standard normal values of this shape.
    fn next(&mut self, shape: &[i64]) -> Result<Tensor>;
}

/// Noise from a seed: the same on every machine and device.
pub struct SeededNoise {
    rng: ChaCha8Rng,
    device: Device,
}

impl SeededNoise {
    /// A stream of noise.
    pub fn new(seed: u64, device: Device) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            device,
        }
    }

    /// The stream of one window of a request.
    pub fn window(seed: u64, index: u64, device: Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self { rng, device }
    }
}

impl NoiseSource for SeededNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let count = shape.iter().product::<i64>() as usize;
        let values: Vec<f32> = (0..count)
            .map(|_| self.rng.sample::<f32, _>(StandardNormal))
            .collect();
        Ok(Tensor::from_slice(&values)
            .view(shape)
            .to_device(self.device))
    }
}

/// Noise near that of a seed: of each variation so much as it says is mixed in, the whole staying standard normal.
pub struct VariedNoise {
    base: SeededNoise,
    variations: Vec<(f64, SeededNoise)>,
}

impl VariedNoise {
    /// The stream of one window of a request.
    pub fn window(seed: u64, variations: &[Variation], index: u64, device: Device) -> Self {
        Self {
            base: SeededNoise::window(seed, index, device),
            variations: (variations.iter())
                .map(|v| {
                    let noise = SeededNoise::window(v.seed, index, device);
                    (f64::from(v.amount), noise)
                })
                .collect(),
        }
    }
}

impl NoiseSource for VariedNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let mut out = self.base.next(shape)?;
        for (amount, noise) in &mut self.variations {
            let rest = (1.0 - *amount * *amount).max(0.0).sqrt();
            out = out * rest + noise.next(shape)? * *amount;
        }
        Ok(out)
    }
}

/// Noise recorded beforehand, to follow another program's run.
pub struct RecordedNoise {
    noise: std::vec::IntoIter<Tensor>,
}

impl RecordedNoise {
    /// Tensors in the order in which they will be asked for.
    pub fn new(noise: Vec<Tensor>) -> Self {
        Self {
            noise: noise.into_iter(),
        }
    }
}

impl NoiseSource for RecordedNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        match self.noise.next() {
            Some(noise) if noise.size() == shape => Ok(noise),
            Some(noise) => Err(Error::invalid(
                "noise",
                format!("recorded as {:?}, asked for {shape:?}", noise.size()),
            )),
            None => Err(Error::invalid("noise", "the record is at its end")),
        }
    }
}

/// Told after each step of a sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps made.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Whether to go on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop; the run ends with [`Error::Cancelled`].
    Cancel,
}

/// Frames over which a window is led on from the frames that it keeps.
const LEAD: f32 = 15.0;
/// Kept frames by which it is told how fast the prediction departs from them.
const SPEED_SPAN: i64 = 3;

/// Known first frames of windows.
pub struct Keep {
    /// Clean frames (B, o, 220).
    pub frames: Tensor,
    /// How they are kept.
    pub rule: KeepRule,
}

/// How known first frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepRule {
    /// As published: after each step but the last they are put back without noise.
    Clean,
    /// They stand in the clean prediction of each step, so that the state around them is as noisy as the network has
    /// learned to expect.
    Predicted,
}

impl Keep {
    fn put_into(&self, x: &Tensor) -> Tensor {
        let o = self.frames.size()[1];
        Tensor::cat(
            &[self.frames.shallow_clone(), x.narrow(1, o, x.size()[1] - o)],
            1,
        )
    }

    /// The kept frames put in, and what the prediction was off at the last of them, in place and in speed, added to those that
    /// follow, less and less: else they would not go on from there (see [`inertia`]).
    fn lead_into(&self, x0: &Tensor) -> Tensor {
        let (kept, frames) = (self.frames.size()[1], x0.size()[1]);
        let out = self.put_into(x0);
        if kept == 0 || kept >= frames {
            return out;
        }
        let off = |t: i64| self.frames.narrow(1, t, 1) - x0.narrow(1, t, 1);
        let place = off(kept - 1);
        // One frame alone has no speed; that of two tells more of noise than of motion.
        let span = (kept - 1).min(SPEED_SPAN);
        let speed = if span > 0 {
            (&place - off(kept - 1 - span)) / span as f64
        } else {
            place.zeros_like()
        };
        let (places, speeds): (Vec<f32>, Vec<f32>) = (1..=frames - kept)
            .map(|t| inertia::left(t as f32 / LEAD))
            .map(|(place, speed)| (place, speed * LEAD))
            .unzip();
        let shares = |values: &[f32]| {
            let shares = Tensor::from_slice(values).view([1, -1, 1]);
            shares.to_device(x0.device())
        };
        let led = place * shares(&places) + speed * shares(&speeds);
        let after = out.narrow(1, kept, frames - kept) + led;
        Tensor::cat(&[out.narrow(1, 0, kept), after], 1)
    }
}

/// One denoising run: B windows of T frames.
pub struct Run<'a> {
    /// The schedule the network was trained on.
    pub schedule: &'a Schedule,
    /// The network with its conditions.
    pub predictor: &'a dyn Predict,
    /// Guidance, if any.
    pub guide: Option<&'a dyn Guide>,
    /// Noise, the first of it for the start.
    pub noise: &'a mut dyn NoiseSource,
    /// Windows and frames.
    pub shape: (i64, i64),
    /// Start in place of fresh noise, (B, T, 220).
    pub start: Option<Tensor>,
    /// First frames that are known (long sequences).
    pub keep: Option<Keep>,
    /// Frames of which something is known.
    pub inpaint: Option<Inpaint>,
    /// Clamp clean predictions to [-1, 1].
    pub clamp: bool,
    /// Told after each step.
    pub progress: &'a mut dyn FnMut(Progress) -> Flow,
}

impl Run<'_> {
    pub(super) fn begin(&mut self) -> Result<Tensor> {
        match self.start.take() {
            Some(start) => Ok(start),
            None => self
                .noise
                .next(&[self.shape.0, self.shape.1, FEATURES as i64]),
        }
    }

    /// Clean prediction at a step: network, guidance, clamp.
    pub(super) fn clean(&self, x: &Tensor, step: usize, remaining: usize) -> Tensor {
        let mut x0 = tch::no_grad(|| self.predictor.predict(x, step));
        if let Some(guide) = self.guide {
            let at = Moment {
                step,
                remaining,
                variance: self.schedule.posterior_variance[step],
            };
            if let Some(guided) = guide.guide(&x0, at) {
                x0 = guided;
            }
        }
        if let Some(inpaint) = &self.inpaint {
            x0 = tch::no_grad(|| inpaint.put_into(&x0));
        }
        if let Some(keep) = self.keep.as_ref().filter(|k| k.rule == KeepRule::Predicted) {
            x0 = keep.lead_into(&x0);
        }
        if self.clamp { x0.clamp_(-1.0, 1.0) } else { x0 }
    }

    /// After a step: first frames put back, progress told.
    pub(super) fn after(&mut self, x: Tensor, done: usize, total: usize) -> Result<Tensor> {
        let x = match &self.keep {
            Some(keep) if done < total && keep.rule == KeepRule::Clean => keep.put_into(&x),
            _ => x,
        };
        match (self.progress)(Progress { done, total }) {
            Flow::Continue => Ok(x),
            Flow::Cancel => Err(Error::Cancelled),
        }
    }
}

/// Turns noise into motion.
pub trait Sampler: Send + Sync {
    /// Clean motion (B, T, 220), normalised.
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor>;
}

/// The published sampler: every step of the schedule, ancestral (specification, section 6).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ancestral;

impl Ancestral {
    /// One step: x_{t-1} and the posterior's mean from x_t.
    pub fn step(run: &Run<'_>, x: &Tensor, step: usize, noise: &Tensor) -> (Tensor, Tensor) {
        let x0 = run.clean(x, step, step);
        let mean = run.schedule.posterior_mean(&x0, x, step);
        let out = if step == 0 {
            mean.copy()
        } else {
            let deviation =
                (0.5 * f64::from(run.schedule.posterior_log_variance_clipped[step])).exp();
            &mean + noise * deviation
        };
        (out, mean)
    }
}

impl Sampler for Ancestral {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let mut x = run.begin()?;
        let total = run.schedule.steps();
        for step in (0..total).rev() {
            // Drawn at the last step too, although it plays no part: the order of random numbers is the published one.
            let noise = run.noise.next(&x.size())?;
            let (next, _) = Self::step(run, &x, step, &noise);
            x = run.after(next, total - step, total)?;
        }
        Ok(x)
    }
}

/// DDIM on an even choice of steps (specification, section 6).
#[derive(Clone, Copy, Debug)]
pub struct Ddim {
    /// Steps, at least 1 and at most the schedule's.
    pub steps: usize,
    /// 0 deterministic, 1 as noisy as the ancestral sampler.
    pub eta: f64,
    /// How steps are chosen.
    pub spacing: Spacing,
}

/// Which steps of the schedule are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As the published `ddim_sample`: evenly from the last step down to -1.
    Published,
    /// Evenly from the last step down to 0, both included: for few steps, so that the last prediction is of nearly clean
    /// motion.
    Ends,
}

impl Ddim {
    /// The few-step sampler: deterministic, both ends included.
    pub fn few(steps: usize) -> Self {
        Self {
            steps,
            eta: 0.0,
            spacing: Spacing::Ends,
        }
    }

    /// The published one: 50 steps, eta 1.
    pub fn published() -> Self {
        Self {
            steps: 50,
            eta: 1.0,
            spacing: Spacing::Published,
        }
    }

    /// Steps of a schedule, descending; a final -1 (clean) is implied.
    pub fn times(&self, schedule: usize) -> Result<Vec<usize>> {
        check_steps(self.steps, schedule)?;
        let last = (schedule - 1) as f64;
        Ok(match self.spacing {
            // torch.linspace in f32, truncated towards zero.
            Spacing::Published => (0..self.steps)
                .map(|k| {
                    let span = (last + 1.0) / self.steps as f64;
                    (last - span * k as f64 + 1e-6) as usize
                })
                .collect(),
            Spacing::Ends if self.steps == 1 => vec![schedule - 1],
            Spacing::Ends => (0..self.steps)
                .map(|k| {
                    let share = k as f64 / (self.steps - 1) as f64;
                    (last * (1.0 - share)).round() as usize
                })
                .collect(),
        })
    }

    /// One step from `x` at `time` with clean prediction `x0` to `next`; `noise` is used when eta is not 0.
    pub fn step(
        &self,
        schedule: &Schedule,
        x: &Tensor,
        x0: &Tensor,
        time: usize,
        next: usize,
        noise: Option<&Tensor>,
    ) -> Tensor {
        let at = |t: usize| f64::from(schedule.alphas_cumprod[t]);
        let epsilon = (x * f64::from(schedule.sqrt_recip_alphas_cumprod[time]) - x0)
            / f64::from(schedule.sqrt_recipm1_alphas_cumprod[time]);
        let (a, b) = (at(time), at(next));
        let sigma = self.eta * ((1.0 - a / b) * (1.0 - b) / (1.0 - a)).max(0.0).sqrt();
        let c = (1.0 - b - sigma * sigma).max(0.0).sqrt();
        let out = x0 * b.sqrt() + epsilon * c;
        match noise {
            Some(noise) if sigma > 0.0 => out + noise * sigma,
            _ => out,
        }
    }
}

impl Sampler for Ddim {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let times = self.times(run.schedule.steps())?;
        let total = times.len();
        let mut x = run.begin()?;
        for (k, &time) in times.iter().enumerate() {
            let x0 = run.clean(&x, time, total - 1 - k);
            let next = match times.get(k + 1) {
                Some(&next) => {
                    let noise = if self.eta > 0.0 {
                        Some(run.noise.next(&x.size())?)
                    } else {
                        None
                    };
                    self.step(run.schedule, &x, &x0, time, next, noise.as_ref())
                }
                None => x0,
            };
            x = run.after(next, k + 1, total)?;
        }
        Ok(x)
    }
}

/// Few steps of a network that says the same of every point on a way from noise to motion: each prediction is made noisy anew
/// for the next (Song et al., "Consistency models", 2023, algorithm 1).
#[derive(Clone, Copy, Debug)]
pub struct Consistency {
    /// Steps, at least 1 and at most the schedule's.
    pub steps: usize,
}

impl Consistency {
    /// Steps of a schedule, descending, evenly from the last.
    pub fn times(&self, schedule: usize) -> Result<Vec<usize>> {
        check_steps(self.steps, schedule)?;
        Ok((0..self.steps)
            .map(|k| schedule - 1 - k * schedule / self.steps)
            .collect())
    }
}

impl Sampler for Consistency {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let times = self.times(run.schedule.steps())?;
        let total = times.len();
        let mut x = run.begin()?;
        for (k, &time) in times.iter().enumerate() {
            let x0 = run.clean(&x, time, total - 1 - k);
            let next = match times.get(k + 1) {
                Some(&next) => {
                    let noise = run.noise.next(&x.size())?;
                    x0 * f64::from(run.schedule.sqrt_alphas_cumprod[next])
                        + noise * f64::from(run.schedule.sqrt_one_minus_alphas_cumprod[next])
                }
                None => x0,
            };
            x = run.after(next, k + 1, total)?;
        }
        Ok(x)
    }
}

/// Refuses more steps than a schedule has, or none.
fn check_steps(steps: usize, schedule: usize) -> Result<()> {
    if steps == 0 || steps > schedule {
        return Err(Error::invalid(
            "steps",
            format!("{steps} sampling steps; choose between 1 and the schedule's {schedule}"),
        ));
    }
    Ok(())
}
