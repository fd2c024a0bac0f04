"""`python -m tf_edgeconnect` is `tf-edgeconnect`."""

from tf_edgeconnect.cli.main import main

if __name__ == "__main__":
    main()
