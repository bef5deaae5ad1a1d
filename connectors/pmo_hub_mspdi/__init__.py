"""Plans in files: Microsoft Project XML (MSPDI), .mpp through MPXJ, and archives of Project Online."""
