"""What may stand on the wire, as PROTOCOL has it. Every check answers with sentences; no sentence, no breach."""
