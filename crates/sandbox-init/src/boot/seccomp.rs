//! What the kernel refuses to a sandbox, whoever in it asks: the calls that are for machines and
//! their administrators, and those through which kernels have been broken.
//!
//! Two filters, the kernel heeds both. One forbids by name, as engines of containers do. The
//! other lets only calls pass that were known when this was written, and says of all others that
//! there are none: so nothing new, and no call of another architecture's numbers, is open by
//! accident. Invariant: it holds for process 1 and all that it starts, and cannot be taken off.

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};
use std::{collections::BTreeMap, env};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The last call that programs may know: `mseal`.
const LAST_KNOWN: i64 = 462;

/// Never, with whatever arguments.
const FORBIDDEN: [i64; 50] = [
    // other roots, mounts and namespaces
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // the kernel itself
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_lookup_dcookie,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    // keys are not divided among namespaces
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // the machine's time and name
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // where memory is
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_kcmp,
    // rings take calls past every filter
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Only on this architecture.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: [i64; 8] = [
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: [i64; 1] = [libc::SYS_kexec_file_load];

/// The families of sockets that programs have a use for.
const FAMILIES: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Forbids it all to this process and those after it.
pub(super) fn forbid() -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let filters = [forbidden(), known()];
    for filter in filters {
        let filter = filter.map_err(|error| failed(&error))?;
        apply_filter(&filter).map_err(|error| failed(&error))?;
    }
    Ok(())
}

type Built = Result<BpfProgram, seccompiler::BackendError>;

fn forbidden() -> Built {
    let mut rules: Rules = FORBIDDEN
        .into_iter()
        .chain(FORBIDDEN_HERE)
        .map(|call| (call, Vec::new()))
        .collect();
    rules.insert(libc::SYS_clone, new_namespaces()?);
    rules.insert(libc::SYS_socket, strange_sockets()?);
    rules.insert(libc::SYS_socketpair, vec![not_unix()?]);
    rules.insert(libc::SYS_ioctl, terminal_input()?);
    rules.insert(libc::SYS_personality, strange_personalities()?);
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    program(rules, SeccompAction::Allow, refuse)
}

/// `clone3` hides its flags from filters: without it programs use `clone`.
fn known() -> Built {
    let calls = (0..=LAST_KNOWN).filter(|call| *call != libc::SYS_clone3);
    let rules = calls.map(|call| (call, Vec::new())).collect();
    let unknown = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    program(rules, unknown, SeccompAction::Allow)
}

fn program(rules: Rules, other: SeccompAction, these: SeccompAction) -> Built {
    let architecture = TargetArch::try_from(env::consts::ARCH)?;
    SeccompFilter::new(rules, other, these, architecture)?.try_into()
}

fn argument(
    index: u8,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, compare, value)
}

fn new_namespaces() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let flags = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let rules = flags.into_iter().map(|flag| {
        let flag = u64::from(flag.cast_unsigned());
        SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    });
    rules.collect()
}

fn not_unix() -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![not_family(libc::AF_UNIX)?])
}

fn not_family(family: i32) -> Result<SeccompCondition, seccompiler::BackendError> {
    argument(0, SeccompCmpOp::Ne, family.cast_unsigned().into())
}

/// All other families; and of netlink all but protocol 0, by which programs list addresses.
fn strange_sockets() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let others = FAMILIES.into_iter().map(not_family);
    let netlink = libc::AF_NETLINK.cast_unsigned().into();
    let other_netlink = vec![
        argument(0, SeccompCmpOp::Eq, netlink)?,
        argument(2, SeccompCmpOp::Ne, 0)?,
    ];
    Ok(vec![
        SeccompRule::new(others.collect::<Result<_, _>>()?)?,
        SeccompRule::new(other_netlink)?,
    ])
}

/// Characters put into a terminal as if somebody had typed them.
fn terminal_input() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let requests = [libc::TIOCSTI, libc::TIOCLINUX];
    let rules = requests
        .into_iter()
        .map(|request| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, request)?]));
    rules.collect()
}

/// All but the plain one, that of 32 bits, and asking which it is.
fn strange_personalities() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let harmless = [0, 0x0008, 0x0002_0000, 0x0002_0008, 0xFFFF_FFFF];
    let conditions = harmless
        .into_iter()
        .map(|persona| argument(0, SeccompCmpOp::Ne, persona));
    Ok(vec![SeccompRule::new(
        conditions.collect::<Result<_, _>>()?,
    )?])
}
