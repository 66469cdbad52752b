//! From a process in new namespaces to process 1 of a sandbox: the file system, the loopback,
//! the name, and then every power given up, for good.
//!
//! Invariant: when the first command can start, no capability is left, nor a way to one, and no
//! file of the host is to be seen but those that [`mounts`] names.

mod devices;
mod loopback;
mod mounts;
mod proc;
mod seccomp;
mod settings;

use crate::{
    hold::{MAX_PLAN, forget_stdio},
    serve,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Signal, set_parent_process_death_signal},
    system::sethostname,
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    },
};
use sandbox_init::protocol::Hold;
use serde::Deserialize;
use std::io;

pub(crate) fn boot() -> Result<(), String> {
    let (plan, listener) = prepare().inspect_err(|fault| {
        println!("fault {}", fault.replace('\n', " "));
    })?;
    println!("ready");
    forget_stdio().map_err(|error| error.to_string())?;
    serve::serve(listener, &plan.serve)
}

fn prepare() -> Result<(Hold, std::os::fd::OwnedFd), String> {
    stay_with_keeper().map_err(|error| format!("staying with the keeper: {error}"))?;
    let mut plan = serde_json::Deserializer::from_reader(io::Read::take(io::stdin(), MAX_PLAN));
    let plan = Hold::deserialize(&mut plan).map_err(|error| format!("the plan: {error}"))?;
    if keeper_is_gone().map_err(|error| format!("looking for the keeper: {error}"))? {
        return Err("the keeper is gone".to_owned());
    }
    sethostname(plan.hostname.as_bytes()).map_err(|error| format!("the host name: {error}"))?;
    loopback::bring_up().map_err(|error| format!("the loopback: {error}"))?;
    let listener = serve::listen(&plan.serve.socket)?;
    if plan.project.is_some() {
        // The kernel takes the working directory along into the new namespace of mounts.
        rustix::process::fchdir(rustix::stdio::stderr())
            .map_err(|error| format!("entering the project: {error}"))?;
    }
    mounts::enter(&plan).map_err(|(what, error)| format!("{what}: {error}"))?;
    give_up_power().map_err(|error| format!("giving capabilities up: {error}"))?;
    seccomp::forbid()?;
    Ok((plan, listener))
}

/// Ends with the keeper.
fn stay_with_keeper() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// The keeper may have ended before the kernel was told to care: it holds the other end of the
/// plan's pipe until process 1 has it.
fn keeper_is_gone() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default()))?;
    let [fd] = fds;
    Ok(fd.revents().contains(PollFlags::HUP))
}

fn give_up_power() -> io::Result<()> {
    clear_ambient_capability_set()?;
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The kernel knows no more of them.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    set_capabilities(None, sets)?;
    set_no_new_privs(true)?;
    Ok(())
}
