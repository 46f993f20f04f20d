"""The one question: may this reader have the body of this article?"""
