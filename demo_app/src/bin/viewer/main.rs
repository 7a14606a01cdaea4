//! The demo: a furnished room, a person, an object. Say what happens, click where, and see it.

mod app;
mod args;
mod authoring;
mod cast;
mod catalogue;
mod daylight;
mod display;
mod ease;
mod eye;
mod fall;
mod floor;
mod journal;
mod making;
mod panel;
mod picture;
mod plans;
mod player;
mod pointer;
mod ron_file;
mod room;
mod say;
mod script;
mod shows;
mod tells;
mod wishes;

use std::process::ExitCode;

use bevy::app::AppExit;
use chois_demo::jobs::{ModelArgs, demo_jobs, run_jobs};
use clap::Parser;

use crate::app::Parts;
use crate::args::Args;

/// Size of pictures where none is given.
const SIZE: [u32; 2] = [1280, 720];

fn main() -> ExitCode {
    chois_demo::threads::be_passive();
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<ExitCode, String> {
    let words = |error: chois::Error| error.to_string();
    let parts = Parts::read(args).map_err(words)?;
    let unattended = args.script.is_some() || args.headless || !display::has_screen();
    if !unattended {
        if display::driver().is_none() {
            return Err(display::NO_DRIVER.to_owned());
        }
        return Ok(match app::with_window(args, parts).run() {
            AppExit::Success => ExitCode::SUCCESS,
            AppExit::Error(code) => ExitCode::from(code.get()),
        });
    }
    let (script, folder) = match (&args.script, &args.screenshot) {
        (Some(script), Some(folder)) => (script.clone(), folder.clone()),
        _ => {
            let why = if args.headless {
                "--headless"
            } else {
                "no screen (DISPLAY is not set)"
            };
            let out = args.out.display();
            println!("{why}: rendering off-screen into {out}");
            let script = chois_demo::assets::find("scenes/demo.ron").map_err(words)?;
            (script, args.out.clone())
        }
    };
    let steps = script::read(&script, &parts.room, &parts.catalogue).map_err(words)?;
    let Some(driver) = display::driver() else {
        return without_driver(args);
    };
    println!("drawing with {driver}");
    let size = args.size.unwrap_or(SIZE);
    let written = app::play(app::off_screen(args, parts, steps, folder, size))?;
    for path in written {
        println!("written {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The clip of the demo can be had without drawing anything; a script's pictures cannot.
fn without_driver(args: &Args) -> Result<ExitCode, String> {
    if args.script.is_some() {
        return Err(display::NO_DRIVER.to_owned());
    }
    println!("{}", display::NO_DRIVER);
    println!("the clip is generated all the same:");
    let model = ModelArgs {
        model: args.model.clone(),
        clip_weights: args.clip_weights.clone(),
    };
    let words = |error: chois::Error| error.to_string();
    let jobs = demo_jobs(&args.out).map_err(words)?;
    for facts in run_jobs(&jobs, &model).map_err(words)? {
        println!("{facts}");
    }
    Ok(ExitCode::SUCCESS)
}
