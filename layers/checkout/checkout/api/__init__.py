"""What every dialect needs: requests, answers, authentication. One package per dialect."""
