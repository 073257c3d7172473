"""What ecologists do with answers: results of recordings, merged, written in the formats of their programs, cut out."""
