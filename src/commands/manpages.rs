//! `manpages`: the manual, from the tree of commands.

use std::{fs, process::ExitCode};

use clap::CommandFactory;

use crate::{cli::Arguments, cli_operations::Manpages, failure::Failure};

pub(crate) fn run(arguments: &Manpages) -> Result<ExitCode, Failure> {
    fs::create_dir_all(&arguments.dir)?;
    clap_mangen::generate_to(Arguments::command(), &arguments.dir)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is added to the command line stands in the manual without more ado.
    #[test]
    fn every_command_has_a_page_with_all_its_options() {
        let dir = tempfile::tempdir().unwrap();
        let arguments = Manpages { dir: dir.path().join("man1") };
        run(&arguments).unwrap();
        let page = |name: &str| {
            let page = fs::read_to_string(arguments.dir.join(format!("{name}.1"))).unwrap();
            page.replace("\\-", "-")
        };
        let mut tree = Arguments::command();
        tree.build();
        assert!(page("cloudtally").contains("cloudtally-serve"));
        let mut options = 0;
        for command in tree.get_subcommands().filter(|command| command.get_name() != "help") {
            let text = page(&format!("cloudtally-{}", command.get_name()));
            for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
                options += 1;
                let name = match option.get_long() {
                    Some(long) => format!("--{long}"),
                    None => option.get_value_names().unwrap()[0].to_string(),
                };
                assert!(text.contains(&name), "{name} of {}", command.get_name());
            }
        }
        assert!(options > 100, "{options}");
    }
}
