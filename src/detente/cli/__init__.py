"""The command line: commands for papers, for the running line, and how both speak to people."""
