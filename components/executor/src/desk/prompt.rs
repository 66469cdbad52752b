//! What the agent of a coding session is told besides its own instructions.

use coding::Approval;
use store::codex::CodexSettings;

/// What it is told.
pub(super) fn instructions(
    settings: &CodexSettings,
    approval: Approval,
    searches: bool,
    undone: bool,
) -> String {
    let mut text = format!(
        "\n\nYou work in a sandbox of this session, in the folder {}. Look with `shell`, change \
         files with `apply_patch`, and keep a plan with `update_plan` when there is more than one \
         step. Paths are relative to that folder. Run what you write before you say that it works.",
        settings.cwd
    );
    text.push_str(match approval {
        Approval::Ask => {
            " The user is asked before a patch is applied, and before a command runs that is not \
             known to change nothing. What is denied must not be done in another way: say what you \
             wanted, and go on without it or stop."
        }
        Approval::AskPatches => {
            " The user is asked before a patch is applied. What is denied must not be done in \
             another way: say what you wanted, and go on without it or stop."
        }
        Approval::Auto => "",
        Approval::ReadOnly => {
            " Nothing may be changed: look, and answer. Patches are refused, and commands cannot \
             write in the workspace."
        }
    });
    if searches {
        text.push_str(" `web_search` searches the web.");
    }
    if undone {
        text.push_str(
            " The user has taken back changes that you had made before: look at the files again.",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_told() {
        let settings = CodexSettings {
            cwd: "/workspace/app".to_owned(),
            ..CodexSettings::default()
        };
        let told = instructions(&settings, Approval::Ask, true, true);
        for part in ["/workspace/app", "asked before", "web_search", "taken back"] {
            assert!(told.contains(part), "{part}");
        }
        let told = instructions(&settings, Approval::Auto, false, false);
        for part in ["asked", "denied", "web_search", "taken back"] {
            assert!(!told.contains(part), "{part}");
        }
    }
}
