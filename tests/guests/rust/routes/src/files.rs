//! Files below the preopened directories, through `wasi:filesystem` itself:
//! the paths reach the host as they came, without a library tidying them.

use crate::http::{Request, Response, text};
use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use crate::wasi::http::types::ResponseOutparam;
use crate::wasi::io::streams::StreamError;

pub fn preopens(out: ResponseOutparam) {
    let names: String = get_directories().iter().map(|(_, name)| format!("{name}\n")).collect();
    text(out, 200, &names);
}

pub fn read(request: &Request, out: ResponseOutparam) {
    match open(request, OpenFlags::empty(), DescriptorFlags::READ) {
        Ok(file) => send(&file, out),
        Err(error) => fail(error, out),
    }
}

pub fn list(request: &Request, out: ResponseOutparam) {
    match open(request, OpenFlags::DIRECTORY, DescriptorFlags::READ).and_then(|dir| names(&dir)) {
        Ok(mut names) => {
            names.sort();
            text(out, 200, &names.iter().map(|name| format!("{name}\n")).collect::<String>());
        }
        Err(error) => fail(error, out),
    }
}

pub fn write(request: &Request, out: ResponseOutparam) {
    let bytes = request.body().all().unwrap_or_default();
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    match open(request, flags, DescriptorFlags::WRITE).and_then(|file| file.write(&bytes, 0)) {
        Ok(written) => text(out, 200, &format!("{written} bytes written")),
        Err(error) => fail(error, out),
    }
}

fn open(
    request: &Request,
    how: OpenFlags,
    rights: DescriptorFlags,
) -> Result<Descriptor, ErrorCode> {
    let path = request.arg("path").unwrap_or(".");
    let wanted = request.arg("preopen");
    let mut directories = get_directories();
    directories.retain(|(_, name)| wanted.is_none_or(|wanted| wanted == name));
    let (directory, _) = directories.first().ok_or(ErrorCode::NoEntry)?;
    directory.open_at(PathFlags::SYMLINK_FOLLOW, path, how, rights)
}

fn names(directory: &Descriptor) -> Result<Vec<String>, ErrorCode> {
    let entries = directory.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry()? {
        names.push(entry.name);
    }
    Ok(names)
}

fn send(file: &Descriptor, out: ResponseOutparam) {
    let stream = match file.read_via_stream(0) {
        Ok(stream) => stream,
        Err(error) => return fail(error, out),
    };
    let response = Response::start(out, 200, &[("content-type", "application/octet-stream")]);
    loop {
        match stream.blocking_read(65536) {
            Ok(bytes) if response.write(&bytes) => {}
            Ok(_) => return,
            Err(StreamError::Closed) => return response.finish(),
            // Without `finish` the host tells the client that the body is cut.
            Err(StreamError::LastOperationFailed(_)) => return,
        }
    }
}

fn fail(error: ErrorCode, out: ResponseOutparam) {
    let status = if error == ErrorCode::NoEntry { 404 } else { 403 };
    text(out, status, &format!("error: {}\n", error.name()));
}
