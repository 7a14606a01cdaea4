//! Generating: strips are handed to the inference thread one after another, each going on from the one before.

use bevy::asset::{Assets, Handle};
use bevy::ecs::prelude::*;
use bevy::tasks::futures_lite::future;
use bevy::tasks::{AsyncComputeTaskPool, Task as Pending, block_on};
use chois::motion::MotionClip as Motion;
use chois::motion::lock::LockedKey;
use chois::navigation::{Leg, NavigationConfig, Navigator, WalkLeg};
use chois::project::generate::{Made, Which, draws, draws_like};
use chois::project::{About, Deed, Draw, Edit, Measures, Numbers, StripId, TakeId, Task, stale};
use chois::scene::Scene;
use std::sync::Arc;

use super::scene::Walls;
use super::session::{Ask, Editor, Measured, Progress};
use crate::clip::MotionClip;
use crate::contact::ContactMode;
use crate::synthesis::{GenerationStatus, InteractionOrder, MotionSynthesizer, WalkOrder};

/// What is being generated.
#[derive(Resource, Default)]
pub(super) struct Work {
    run: Option<Run>,
    /// Strips of this run that were generated.
    done: Vec<StripId>,
}

struct Run {
    which: Which,
    strip: StripId,
    task: Task,
    fingerprint: String,
    /// What the network made, where hands are made to hold afterwards.
    before: Vec<Arc<Motion>>,
    orders: Vec<(Draw, Handle<MotionClip>)>,
    /// Hands are made to hold.
    finishing: Option<Pending<Result<Vec<(Draw, Motion)>, String>>>,
}

/// Takes up what was asked for, and goes on with it.
pub(super) fn generate(
    mut editor: ResMut<Editor>,
    mut work: ResMut<Work>,
    mut synthesizer: MotionSynthesizer,
    clips: Res<Assets<MotionClip>>,
    walls: Res<Walls>,
) {
    // Looked at without a change, so that nothing is told of one.
    if work.run.is_none() && editor.asks.is_empty() {
        return;
    }
    let asks: Vec<Ask> = editor
        .asks
        .extract_if(.., |ask| matches!(ask, Ask::Generate(_) | Ask::Cancel))
        .collect();
    for ask in asks {
        match ask {
            Ask::Generate(which) => {
                if work.run.is_some() {
                    editor.say("it is generating; cancel that first");
                    continue;
                }
                work.done.clear();
                begin(&mut editor, &mut work, &mut synthesizer, which);
            }
            Ask::Cancel => {
                if let Some(run) = work.run.take() {
                    for (_, clip) in &run.orders {
                        synthesizer.cancel(clip);
                    }
                    editor.progress = None;
                    editor.say("cancelled; takes that were done stay");
                }
            }
            _ => {}
        }
    }
    let Some(run) = &mut work.run else { return };
    match advance(run, &mut editor, &synthesizer, &clips, &walls) {
        Ok(None) => {}
        Ok(Some(made)) => {
            let (which, strip) = (run.which, run.strip);
            let before = std::mem::take(&mut run.before);
            work.run = None;
            editor.progress = None;
            if editor.add_takes(made, before) {
                work.done.push(strip);
                let line = format!("generated {}", editor.named(strip));
                editor.say(line);
                if which == Which::Stale {
                    begin(&mut editor, &mut work, &mut synthesizer, which);
                }
            }
        }
        Err(reason) => {
            let strip = editor.named(run.strip);
            work.run = None;
            editor.progress = None;
            editor.complain(&format!("{strip}: {reason}"));
        }
    }
}

/// Says so where nothing is there that generates.
pub(super) fn refuse(mut editor: ResMut<Editor>) {
    let asked = |ask: &Ask| matches!(ask, Ask::Generate(_) | Ask::Cancel);
    if !editor.asks.iter().any(asked) {
        return;
    }
    let mut generates = false;
    editor.asks.retain(|ask| {
        generates |= matches!(ask, Ask::Generate(_));
        !asked(ask)
    });
    if generates {
        editor
            .complain(&"this app has no SynthesisPlugin, which generates; add ChoisPlugins to it");
    }
}

/// Orders the next strip's takes, if there is one.
fn begin(editor: &mut Editor, work: &mut Work, synthesizer: &mut MotionSynthesizer, which: Which) {
    let (project, library) = (editor.project(), editor.library());
    let count = editor.variations.clamp(1, 32);
    let drawn = |task: Task| {
        let draws = draws(&task, count);
        (task, draws)
    };
    let next = match which {
        Which::Strip(id) => project
            .task(library, id)
            .map(|task| task.map(|task| (id, drawn(task)))),
        Which::Stale => stale::next(project, library, |id| !work.done.contains(&id))
            .map(|next| next.map(|(id, task)| (id, drawn(task)))),
        Which::Like(take) => draws_like(project, take, count).and_then(|(id, draws)| {
            let task = project.task(library, id)?;
            Ok(task.map(|task| (id, (task, draws))))
        }),
    };
    let (strip, (task, draws)) = match next {
        Ok(Some(next)) => next,
        Ok(None) => {
            let line = match which {
                Which::Strip(_) | Which::Like(_) => {
                    "the strip before it has no take to go on from; generate that first"
                }
                Which::Stale if work.done.is_empty() => "everything is up to date",
                Which::Stale => "all strips are generated",
            };
            editor.say(line);
            return;
        }
        Err(error) => {
            editor.complain(&error);
            return;
        }
    };
    let fingerprint = library.fingerprint(&task);
    let task = task.ending(project.kept_end(library, strip));
    let orders = draws
        .into_iter()
        .map(|draw| {
            let room = library.room();
            let clip = match task.drawn(&draw) {
                Task::Walk(request) => {
                    let mut order = WalkOrder::from_request(*request);
                    if let Some(room) = room {
                        order = order.scene(room);
                    }
                    synthesizer.walk(order)
                }
                Task::Interact(request, thing) => {
                    let shape = Arc::new(thing.geometry.clone());
                    let mut order = InteractionOrder::from_request(shape, *request)
                        // Held afterwards, as the project says how.
                        .contact(ContactMode::Off);
                    if let Some(room) = room {
                        order = order.scene(room);
                    }
                    synthesizer.generate(order)
                }
            };
            (draw, clip)
        })
        .collect();
    work.run = Some(Run {
        which,
        strip,
        task,
        fingerprint,
        orders,
        before: Vec::new(),
        finishing: None,
    });
    editor.progress = Some(Progress { strip, share: 0.0 });
    editor.say("generating");
}

/// How far it is; what was made when it is done.
fn advance(
    run: &mut Run,
    editor: &mut Editor,
    synthesizer: &MotionSynthesizer,
    clips: &Assets<MotionClip>,
    walls: &Walls,
) -> Result<Option<Made>, String> {
    if let Some(finishing) = &mut run.finishing {
        let Some(clips) = block_on(future::poll_once(finishing)) else {
            return Ok(None);
        };
        return Ok(Some(Made {
            strip: run.strip,
            fingerprint: run.fingerprint.clone(),
            clips: clips?,
        }));
    }
    let mut share = 0.0;
    for (_, clip) in &run.orders {
        match synthesizer.status(clip) {
            Some(GenerationStatus::Failed(reason)) => return Err(reason.clone()),
            Some(GenerationStatus::Cancelled(reason)) => return Err(reason.to_string()),
            _ => share += synthesizer.progress(clip).unwrap_or(0.0),
        }
    }
    share /= run.orders.len().max(1) as f32;
    let now = Progress {
        strip: run.strip,
        share: share * 0.95,
    };
    if editor.progress != Some(now) {
        editor.progress = Some(now);
    }
    let made: Option<Vec<(Draw, Arc<Motion>)>> = (run.orders.iter())
        .map(|(draw, clip)| {
            let done = matches!(synthesizer.status(clip), Some(GenerationStatus::Finished));
            let clip = clips.get(clip).filter(|_| done)?;
            Some((draw.clone(), clip.motion.clone()))
        })
        .collect();
    if let Some(made) = made {
        if let Task::Interact(_, thing) = &run.task
            && thing.contact.enforce
        {
            run.before = made.iter().map(|(_, clip)| clip.clone()).collect();
        }
        let task = run.task.clone();
        let around = around(editor, walls, run.strip);
        run.finishing = Some(AsyncComputeTaskPool::get().spawn(async move {
            made.into_iter()
                .map(|(draw, clip)| {
                    let about = around.about(&clip);
                    let clip = task.finish((*clip).clone(), &about);
                    clip.map(|clip| (draw, clip)).map_err(|e| e.to_string())
                })
                .collect()
        }));
    }
    Ok(None)
}

/// What stands about a strip: the project's room, and what the app's scene has.
struct Around {
    room: About,
    scene: Scene,
}

fn around(editor: &Editor, walls: &Walls, strip: StripId) -> Around {
    let scene = editor.project().strip(strip);
    Around {
        room: editor.library().about(),
        scene: scene.map_or_else(Scene::default, |strip| walls.scene(editor, strip)),
    }
}

impl Around {
    /// What stands about a clip. Takes its time.
    fn about(&self, clip: &Motion) -> About {
        let mut about = self.room.clone();
        if !self.scene.items.is_empty() {
            let roots = clip.frames.iter().map(|f| f.pose.root);
            let way = Leg::Walk(WalkLeg {
                step: 0,
                points: roots.map(|at| [at.x, at.y]).collect(),
                times: Vec::new(),
                facing: 0.0,
            });
            let navigator = Navigator::new(&self.scene, NavigationConfig::default());
            let found = navigator.distances(&[way]).into_iter().flatten().next();
            about.scene = found.map(Arc::new).or(about.scene);
        }
        about
    }
}

/// Hands being told to hold at other times.
#[derive(Resource, Default)]
pub(super) struct Holding(Option<Held>);

struct Held {
    take: TakeId,
    /// The take's edits when it was begun.
    from: Vec<Edit>,
    /// The same with the one that is made.
    edits: Vec<Edit>,
    pending: Pending<Result<Motion, String>>,
}

/// Enforces contact anew where it was asked for, elsewhere than here; the newest ask wins.
pub(super) fn hold(mut editor: ResMut<Editor>, mut holding: ResMut<Holding>, walls: Res<Walls>) {
    // The shown document is another one, where the take's number is another take's.
    if holding.0.is_some() && editor.holding.is_none() {
        holding.0 = None;
        editor.say("cancelled; in the other document hands hold as before");
    }
    if let Some(held) = &mut holding.0 {
        let Some(made) = block_on(future::poll_once(&mut held.pending)) else {
            return;
        };
        let (take, from) = (held.take, std::mem::take(&mut held.from));
        let edits = std::mem::take(&mut held.edits);
        holding.0 = None;
        editor.holding = None;
        match made {
            Ok(clip) => editor.finish_contact(take, &from, edits, clip),
            Err(reason) => editor.complain(&reason),
        }
    }
    let Some((take, left, right)) = editor.bypass_change_detection().wanted_contact.take() else {
        return;
    };
    let Some((strip, clip, edits)) = editor.before_contact(take) else {
        return;
    };
    let thing = (strip.object())
        .and_then(|id| editor.library().thing(id))
        .filter(|t| !t.placeholder)
        .cloned();
    let Some(thing) = thing else {
        editor.complain(&"there is no object that hands could hold; relink its file");
        return;
    };
    // What it does not come through was locked in another take, or since.
    let keys: Vec<LockedKey> = (strip.keys.iter())
        .filter(|key| key.is_met_by(&clip))
        .cloned()
        .collect();
    let from = strip.take(take).map(|t| t.edits.clone());
    let mut all = edits;
    all.push(Edit::Contact {
        left: left.clone(),
        right: right.clone(),
        keys: keys.clone(),
    });
    let around = around(&editor, &walls, strip.id);
    let pending = AsyncComputeTaskPool::get().spawn(async move {
        let about = around.about(&clip);
        let held = thing.hold(&clip, [left, right], &keys, &about);
        held.map_err(|e| e.to_string())
    });
    editor.holding = Some(take);
    editor.say("hands are told; physics runs");
    holding.0 = Some(Held {
        take,
        from: from.unwrap_or_default(),
        edits: all,
        pending,
    });
}

/// Measurements under way.
#[derive(Resource, Default)]
pub(super) struct Measuring(Option<UnderWay>);

struct UnderWay {
    take: TakeId,
    clip: Arc<Motion>,
    /// Whether it is the take before hands were made to hold.
    before: bool,
    pending: Pending<(Measures, Numbers, Deed)>,
}

/// Measures the take that the selected strip shows, and the one it is compared with, elsewhere than here.
pub(super) fn measure(mut editor: ResMut<Editor>, mut measuring: ResMut<Measuring>) {
    if let Some(UnderWay {
        take,
        clip,
        before,
        pending,
    }) = &mut measuring.0
    {
        let Some((measures, numbers, deed)) = block_on(future::poll_once(pending)) else {
            return;
        };
        let measured = Measured {
            clip: clip.clone(),
            measures: Arc::new(measures),
            numbers: Arc::new(numbers),
            deed,
        };
        match before {
            true => editor.measured_before.insert(*take, measured),
            false => editor.measures.insert(*take, measured),
        };
        measuring.0 = None;
    }
    let Some(strip) = editor.strip() else { return };
    let wanted = strip.shown.into_iter().chain(editor.compared);
    let next = wanted.filter_map(|take| Some((take, editor.library().clip(take)?, false)));
    // As the network made it, where that can be compared frame by frame.
    let heat = strip.shown().filter(|_| editor.scene.see.heat);
    let raw = heat.filter(|t| t.edits.iter().all(|e| matches!(e, Edit::Contact { .. })));
    let raw = raw.and_then(|t| Some((t.id, editor.uncorrected.get(&t.id)?.clone(), true)));
    let next = next.chain(raw).find(|(take, clip, before)| {
        let known = match before {
            true => editor.measured_before.get(take),
            false => editor.measures.get(take),
        };
        !known.is_some_and(|m| Arc::ptr_eq(&m.clip, clip) && m.deed == strip.deed)
    });
    let Some((take, clip, before)) = next else {
        return;
    };
    let thing = strip
        .object()
        .and_then(|id| editor.library().thing(id))
        .cloned();
    let (of, deed) = (clip.clone(), strip.deed.clone());
    let pending = AsyncComputeTaskPool::get().spawn(async move {
        let measures = Measures::of(&of, thing.as_ref());
        let numbers = Numbers::of(&of, thing.as_ref(), &deed, &measures);
        (measures, numbers, deed)
    });
    measuring.0 = Some(UnderWay {
        take,
        clip,
        before,
        pending,
    });
}
