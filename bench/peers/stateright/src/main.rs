//! The hotplug model explored by stateright: `hotplug COMMANDS THREADS`.
//!
//! Reads guarded commands (models/guarded.py) and prints a JSON object; the exit status is 1 when
//! something does not hold. A state is one word, an action is a command's number.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use std::{env, fs, process};

use stateright::{Checker, Model, Property};

#[derive(Clone, Copy)]
struct Command {
    mask: u64,
    value: u64,
    keep: u64,
    put: u64,
    copied: u64,
    shift: u32,
}

struct Hotplug {
    commands: Vec<Command>,
    /// The numbers of the commands of each process at each place.
    at: [[Vec<u16>; 16]; 3],
    up: u64,
    held: u64,
    online: u32,
    snp_en: u32,
    cpus: u32,
    /// Somewhere nobody can step. stateright has no question for that.
    stuck: AtomicBool,
}

impl Hotplug {
    fn read(text: &str) -> Self {
        let mut lines = text
            .lines()
            .map(|line| line.split(' ').map(|w| w.parse().unwrap()).collect::<Vec<u64>>());
        let judged = lines.next().unwrap();
        let mut model = Hotplug {
            commands: Vec::new(),
            at: Default::default(),
            up: judged[0],
            held: judged[1],
            online: judged[2] as u32,
            snp_en: judged[3] as u32,
            cpus: judged[4] as u32,
            stuck: AtomicBool::new(false),
        };
        for w in lines {
            model.at[w[0] as usize][w[1] as usize].push(model.commands.len() as u16);
            model.commands.push(Command {
                mask: w[2],
                value: w[3],
                keep: w[4],
                put: w[5],
                copied: w[6],
                shift: w[7] as u32,
            });
        }
        model
    }
}

impl Model for Hotplug {
    type State = u64;
    type Action = u16;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u16>) {
        for (process, places) in self.at.iter().enumerate() {
            for &number in &places[(state >> (4 * process) & 15) as usize] {
                let command = &self.commands[number as usize];
                if state & command.mask == command.value {
                    actions.push(number);
                }
            }
        }
        if actions.is_empty() {
            self.stuck.store(true, Ordering::Relaxed);
        }
    }

    fn next_state(&self, state: &u64, action: u16) -> Option<u64> {
        let c = &self.commands[action as usize];
        Some(state & c.keep | c.put | (state & c.copied) << c.shift)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("hotplug off while up", |m: &Hotplug, s: &u64| {
                s & m.up == 0 || s & m.held != 0
            }),
            Property::always("online CPUs guarded", |m: &Hotplug, s: &u64| {
                s & m.up == 0 || (s >> m.online) & !(s >> m.snp_en) & ((1 << m.cpus) - 1) == 0
            }),
        ]
    }
}

/// The most memory that was resident, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let began = Instant::now();
    let model = Hotplug::read(&fs::read_to_string(&arguments[1]).unwrap());
    let threads = arguments[2].parse().unwrap();
    let ready = began.elapsed();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let exploring = began.elapsed() - ready;
    println!(
        "{{\"states\": {}, \"transitions\": {}, \"exploring\": {}, \"ready\": {}, \"peak\": {}}}",
        checker.unique_state_count(),
        checker.state_count() - 1, // it counts the initial state as one
        exploring.as_secs_f64(),
        ready.as_secs_f64(),
        peak()
    );
    let held = checker.discoveries().is_empty() && checker.is_done();
    process::exit(if held && !checker.model().stuck.load(Ordering::Relaxed) { 0 } else { 1 });
}
