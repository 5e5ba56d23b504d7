#![no_main]

codraft_guided::guided!("block");
