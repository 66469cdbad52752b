//! What `up` prints when the stack is ready.

use super::stack::Stack;
use super::state::State;
use crate::secrets;

/// The first text: where the stack is, how to try it, where things are.
pub(super) fn text(stack: &Stack, state: &State, release: bool) -> String {
    let url = format!("http://{}", stack.front_door);
    let folder = state.path.display();
    let build = if release {
        "release"
    } else {
        "development (`--release` is the fast one)"
    };
    let mut text = format!(
        "\nAtelier is running on {url}\n\n\
         Try it: a user, a conversation, and a streamed answer.\n{}\n\n\
         API        {url}/api/openapi.json\n\
         Model      {}\n\
         Build      {build}\n\
         State      {folder}\n\
         Logs       {folder}/logs\n\
         Mail       {folder}/outbox (unless RUNNER_SMTP_URL is set)\n",
        try_it(&url),
        stack.model,
    );
    if let Some(name) = &stack.administrator {
        text.push_str(&format!(
            "Sign in    as {name}, password: sed -n 's/^admin_password=//p' {folder}/{}\n",
            secrets::FILE
        ));
    }
    text.push_str("\nCtrl-C stops everything; the state stays.\n");
    text
}

/// Copy-paste for a shell. It works on a stack that has been tried before, too: the name
/// has the time in it. An object's own id is the last one in it, after `user_id`.
fn try_it(url: &str) -> String {
    format!(
        r#"  post() {{ curl -sN -H 'content-type: application/json' "{url}/api/v1/$1" -d "$2"; }}
  id() {{ sed 's/.*"id":\([0-9]*\).*/\1/'; }}
  user=$(post users/ '{{"username":"ada'$(date +%s)'"}}' | id)
  conversation=$(post conversations/ '{{"user_id":'$user'}}' | id)
  post chat '{{"conversation_id":'$conversation',"message":"Hello"}}'"#
    )
}
