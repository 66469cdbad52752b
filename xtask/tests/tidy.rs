//! The rules of the tree hold: `cargo xtask tidy`, as a test.

use xtask::manifest::Manifest;
use xtask::workspace::Workspace;

#[test]
fn the_tree_is_tidy() {
    let checked = Workspace::find().and_then(|workspace| {
        let manifest = Manifest::read(&workspace.root)?;
        xtask::tidy::tidy(&workspace, &manifest)
    });
    if let Err(error) = checked {
        panic!("{error:#}");
    }
}
