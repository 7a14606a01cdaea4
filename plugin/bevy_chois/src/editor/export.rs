//! Writing files, elsewhere than where the panel is drawn.

use std::collections::VecDeque;
use std::path::PathBuf;

use bevy::ecs::prelude::*;
use bevy::tasks::futures_lite::future;
use bevy::tasks::{AsyncComputeTaskPool, Task, block_on};
use chois::project::export::{Format, Job, jobs};

use super::session::{Ask, Editor};

/// Files that are written, one export after another. What goes into them is what was shown when they were asked for.
#[derive(Resource, Default)]
pub(super) struct Exporting {
    waiting: VecDeque<Export>,
    /// Where to, and how many files there are in the end.
    running: Option<(PathBuf, Task<chois::Result<usize>>)>,
}

struct Export {
    folder: PathBuf,
    jobs: Vec<Job>,
    fps: f32,
    formats: Vec<Format>,
}

impl Export {
    fn write(self) -> chois::Result<usize> {
        self.jobs.iter().try_fold(0, |n, job| {
            Ok(n + job.write(&self.folder, self.fps, &self.formats)?.len())
        })
    }
}

/// Takes up what was asked for, and tells of what is done.
pub(super) fn export(mut editor: ResMut<Editor>, mut exporting: ResMut<Exporting>) {
    let is_export = |ask: &Ask| matches!(ask, Ask::Export { .. });
    // Looked at without a change, so that nothing is told of one.
    if editor.asks.iter().any(is_export) {
        let asks: Vec<Ask> = (editor.asks.extract_if(.., |ask| is_export(ask))).collect();
        for ask in asks {
            let Ask::Export {
                folder,
                takes,
                fps,
                formats,
            } = ask
            else {
                continue;
            };
            match jobs(editor.project(), editor.library(), takes) {
                Ok(jobs) => {
                    exporting.waiting.push_back(Export {
                        folder,
                        jobs,
                        fps,
                        formats,
                    });
                    editor.exports += 1;
                }
                Err(error) => editor.complain(&error),
            }
        }
    }
    if let Some((folder, task)) = &mut exporting.running {
        let Some(done) = block_on(future::poll_once(task)) else {
            return;
        };
        match done {
            Ok(count) => {
                let line = format!("wrote {count} files into {}", folder.display());
                editor.say(line);
            }
            Err(error) => editor.complain(&error),
        }
        editor.exports -= 1;
        exporting.running = None;
    }
    if let Some(next) = exporting.waiting.pop_front() {
        let folder = next.folder.clone();
        let task = AsyncComputeTaskPool::get().spawn(async move { next.write() });
        exporting.running = Some((folder, task));
    }
}
