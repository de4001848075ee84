//! A command with a verb for each thing that a command does; built for WASI
//! 0.1 and 0.2 from this one source.

use std::io::{Read, Write};
use std::{env, fs, io, process, thread, time};

const VERBS: &str = "\
args...            prints the arguments
env [NAME]         prints the environment, or one variable
cat [FILE]         copies stdin or a file to stdout
upper              copies stdin to stdout in capitals
exit N             ends with that code
ls [DIR]           lists a directory
write FILE TEXT    writes a file
append FILE TEXT   adds to a file
mkdir DIR, rm FILE, mv FROM TO
stat FILE          prints kind and size
err TEXT           prints to stderr
sleep MS, spin     waits, never ends
random, clock      eight bytes, seconds since 1970
memory MIB         allocates and touches as much
recurse            ends the stack
panic              panics
";

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = run(&words) {
        eprintln!("error: {error}");
        process::exit(1);
    }
}

fn run(words: &[&str]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match words {
        [] => write!(out, "{VERBS}"),
        ["args", rest @ ..] => rest.iter().try_for_each(|word| writeln!(out, "{word}")),
        ["env"] => {
            let mut all: Vec<_> = env::vars().collect();
            all.sort();
            all.iter().try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
        }
        ["env", name] => writeln!(out, "{}", env::var(name).unwrap_or("none".to_owned())),
        ["cat"] => io::copy(&mut io::stdin().lock(), &mut out).map(drop),
        ["cat", path] => io::copy(&mut fs::File::open(path)?, &mut out).map(drop),
        ["upper"] => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            write!(out, "{}", text.to_uppercase())
        }
        ["exit", code] => process::exit(code.parse().unwrap_or(1)),
        ["ls"] => list(".", &mut out),
        ["ls", path] => list(path, &mut out),
        ["err", text] => {
            eprintln!("{text}");
            Ok(())
        }
        ["sleep", milliseconds] => {
            thread::sleep(time::Duration::from_millis(milliseconds.parse().unwrap_or(100)));
            writeln!(out, "slept")
        }
        ["spin"] => loop {
            std::hint::black_box(());
        },
        ["clock"] => {
            let now = time::SystemTime::now().duration_since(time::UNIX_EPOCH);
            writeln!(out, "{}", now.map_or(0, |since| since.as_secs()))
        }
        ["random"] => {
            use std::hash::{BuildHasher, RandomState};
            writeln!(out, "{:016x}", RandomState::new().hash_one(()))
        }
        ["memory", mebibytes] => {
            let size = mebibytes.parse::<usize>().unwrap_or(1) << 20;
            let touched = std::hint::black_box(vec![1_u8; size]);
            writeln!(out, "{} bytes", touched.len())
        }
        ["recurse"] => writeln!(out, "{}", recurse(0)),
        ["panic"] => panic!("as asked"),
        other => files(other, &mut out),
    }
}

fn files(words: &[&str], out: &mut impl Write) -> io::Result<()> {
    match words {
        ["write", path, text] => fs::write(path, text),
        ["append", path, text] => {
            fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
        }
        ["mkdir", path] => fs::create_dir(path),
        ["rm", path] => fs::remove_file(path),
        ["mv", from, to] => fs::rename(from, to),
        ["stat", path] => {
            let about = fs::metadata(path)?;
            let kind = if about.is_dir() { "directory" } else { "file" };
            writeln!(out, "{kind} {}", about.len())
        }
        other => Err(io::Error::other(format!("no verb {other:?}\n{VERBS}"))),
    }
}

fn list(path: &str, out: &mut impl Write) -> io::Result<()> {
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<_> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.iter().try_for_each(|name| writeln!(out, "{name}"))
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 32]);
    if std::hint::black_box(true) { recurse(depth + 1) + here[3] } else { depth }
}
