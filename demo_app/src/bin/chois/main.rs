//! `chois`: generate, evaluate, train and import from the command line.

mod train;

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
    /// Train a model on a folder of motion clips.
    Train(train::Args),
}

fn main() -> std::process::ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
