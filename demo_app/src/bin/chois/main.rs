//! `chois`: generate, evaluate, train and import from the command line.

/// Prints a line on stdout; a reader that has left, as `head` does, is no error.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($arg)*);
    }};
}

mod contact;
mod demo;
mod evaluate;
mod export;
mod generate;
mod import;
mod render;
mod synthesize;
mod train;
mod train_evaluator;
mod walk;

use clap::{Parser, Subcommand};

/// Human-object interaction from text and waypoints.
#[derive(Parser)]
#[command(name = "chois", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate interactions: an animated .glb, a motion clip.
    Generate(generate::Args),
    /// Generate a walk without an object: an animated .glb, a motion clip.
    Walk(walk::Args),
    /// Generate the shipped example into target/demo.
    Demo(demo::Args),
    /// Make the hands of a motion clip hold, and measure contact before and after.
    Contact(contact::Args),
    /// Write a motion clip as an animated .glb.
    Export(export::Args),
    /// Measure a model on captured clips, the published figures beside it.
    Evaluate(evaluate::Args),
    /// Turn the official release's files into a checkpoint.
    Import(import::Args),
    /// Generate what a project lacks and write its tracks: .glb, .bvh, motion clips.
    Render(render::Args),
    /// Make training data: people who handle objects of every size and shape.
    Synthesize(synthesize::Args),
    /// Train a model on a folder of motion clips.
    Train(train::Args),
    /// Train the networks that `evaluate` takes R-precision and FID from.
    TrainEvaluator(train_evaluator::Args),
}

fn main() -> std::process::ExitCode {
    chois_demo::threads::be_passive();
    let result = match Cli::parse().command {
        Command::Generate(args) => generate::run(&args),
        Command::Walk(args) => walk::run(&args),
        Command::Contact(args) => contact::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Synthesize(args) => synthesize::run(&args),
        Command::Train(args) => train::run(&args),
        Command::TrainEvaluator(args) => train_evaluator::run(&args),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                // As a shell reports a program that Ctrl-C ended.
                chois::Error::Cancelled => std::process::ExitCode::from(130),
                _ => std::process::ExitCode::FAILURE,
            }
        }
    }
}
