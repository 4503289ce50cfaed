"""What is done to the bytes of pictures: finding out what they are, making them fit to be shown.

Work for a processor and nothing else: no database, no media store, no request. It blocks, so
whoever calls it does so in a thread.
"""
