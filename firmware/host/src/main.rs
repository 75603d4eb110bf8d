//! The sensor's application as a Linux program, on an HCI controller over TCP.

fn main() {}
