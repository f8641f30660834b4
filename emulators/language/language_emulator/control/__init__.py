"""What a test steers and looks at: progression of jobs, injected faults, figures. It knows no HTTP and no job."""
