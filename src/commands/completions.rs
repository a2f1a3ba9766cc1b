//! `completions`: what a shell completes, from the tree of commands.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;

use crate::{cli::Arguments, cli_operations::Completions, failure::Failure};

pub(crate) fn run(arguments: &Completions) -> Result<ExitCode, Failure> {
    let mut command = Arguments::command();
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "cloudtally", &mut text);
    io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_option() {
        let mut tree = Arguments::command();
        tree.build();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "cloudtally", &mut text);
            let text = String::from_utf8(text).unwrap();
            for command in tree.get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell}: {}", command.get_name());
                for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                    // fish writes `-l name`.
                    let is_there =
                        text.contains(&format!("--{long}")) || text.contains(&format!("-l {long}"));
                    assert!(is_there, "{shell}: --{long} of {}", command.get_name());
                }
            }
        }
    }
}
