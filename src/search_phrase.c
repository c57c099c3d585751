/*
 * search_phrase.c
 *		Which words of a text belong to which phrase of a query.
 *
 * Called by search_snippet.c, for texts and queries of anybody. A query's words are
 * compared each once, however often it has them: so the time is that of the text, times
 * the length of a phrase. Results are in the caller's memory context.
 */
#include "search.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* Returns which word of the query an operand is, or -1 for none. */
static int
word_of(const SearchPhrases *phrases, TSQuery query, const QueryOperand *operand)
{
	const QueryItem *item = GETQUERY(phrases->words);

	for (int i = 0; i < phrases->words->size; i++)
	{
		const QueryOperand *word = &item[i].qoperand;

		if (item[i].type == QI_VAL && word->prefix == operand->prefix &&
			word->length == operand->length &&
			memcmp(GETOPERAND(phrases->words) + word->distance,
				   GETOPERAND(query) + operand->distance,
				   word->length) == 0)
			return i;
	}
	return -1;
}

/*
 * Reads a branch of the query. Words in sequence are added to the phrase that is being
 * read; others begin phrases of their own. What is excluded is nowhere to be shown.
 */
static void
read_branch(SearchPhrases *phrases, TSQuery query, const QueryItem *branch, SearchPhrase *phrase,
			int *distance)
{
	const QueryItem *right = branch + 1;
	const QueryItem *left;

	check_stack_depth();
	if (branch->type != QI_VAL && (branch->type != QI_OPR || branch->qoperator.oper == OP_NOT))
		return;
	if (phrase == NULL && (branch->type == QI_VAL || branch->qoperator.oper == OP_PHRASE))
		phrase = &phrases->phrases[phrases->count++];
	if (branch->type == QI_VAL)
	{
		if (phrase->count < SEARCH_PHRASE_MAX)
			phrase->members[phrase->count++] =
				(SearchMember){word_of(phrases, query, &branch->qoperand), *distance};
		return;
	}
	left = branch + branch->qoperator.left;
	if (phrase == NULL)
		*distance = 0;
	read_branch(phrases, query, left, phrase, distance);
	if (phrase == NULL)
		*distance = 0;
	/* Within a phrase, each of several words has the same place. */
	if (branch->qoperator.oper == OP_PHRASE)
		*distance += branch->qoperator.distance;
	read_branch(phrases, query, right, phrase, distance);
}

/* Finds the words of the query, each once, and its phrases. */
SearchPhrases *
agent_search_phrases(TSQuery query)
{
	SearchPhrases *phrases = palloc0(sizeof(SearchPhrases));
	StringInfoData words;
	const QueryItem *item = GETQUERY(query);
	int distance = 0;

	initStringInfo(&words);
	phrases->words = query;
	for (int i = 0; i < query->size; i++)
	{
		if (item[i].type != QI_VAL || word_of(phrases, query, &item[i].qoperand) != i)
			continue;
		if (words.len > 0)
			appendStringInfoChar(&words, '|');
		agent_search_append(
			&words,
			pnstrdup(GETOPERAND(query) + item[i].qoperand.distance, item[i].qoperand.length),
			item[i].qoperand.prefix);
	}
	phrases->words = DatumGetTSQuery(DirectFunctionCall1(tsqueryin, CStringGetDatum(words.data)));
	phrases->phrases = palloc0((query->size + 1) * sizeof(SearchPhrase));
	if (query->size > 0)
		read_branch(phrases, query, item, NULL, &distance);
	return phrases;
}

/* Returns which word of the query a token is, or -1 for none. */
static int
word_at(const SearchPhrases *phrases, const HeadlineParsedText *text, int token)
{
	const QueryOperand *item = text->words[token].item;

	return item == NULL ? -1 : (int) ((const QueryItem *) item - GETQUERY(phrases->words));
}

/* Finds the token of a phrase's word at a position; -1: it is not there. */
static int
find_member(const SearchPhrases *phrases, const HeadlineParsedText *text, int from, int word,
			int position)
{
	for (int i = from; i < text->curwords && text->words[i].pos <= position; i++)
	{
		if (text->words[i].pos == position && word_at(phrases, text, i) == word)
			return i;
	}
	return -1;
}

/* Sets the phrase of all of its tokens, if it begins with a token. */
static void
mark_phrase(const SearchPhrases *phrases, const HeadlineParsedText *text, int first, int number,
			int *marks)
{
	const SearchPhrase *phrase = &phrases->phrases[number];
	int found[SEARCH_PHRASE_MAX];
	int begin = text->words[first].pos;

	for (int i = 0; i < phrase->count;)
	{
		int distance = phrase->members[i].distance;
		int at = -1;

		/* One of the words that may stand there. */
		for (; i < phrase->count && phrase->members[i].distance == distance; i++)
		{
			found[i] = find_member(phrases, text, first, phrase->members[i].word, begin + distance);
			at = Max(at, found[i]);
		}
		if (at < 0)
			return;
	}
	for (int i = 0; i < phrase->count; i++)
	{
		int token = found[i];

		/* What stands for the same token comes after it. */
		while (token > 0 && text->words[token].repeated)
			token--;
		if (token >= 0)
			marks[token] = number;
	}
}

/* Returns for each token which phrase of the query it belongs to, -1 for none. */
int *
agent_search_mark(const SearchPhrases *phrases, const HeadlineParsedText *text)
{
	int *marks = palloc((text->curwords + 1) * sizeof(int));

	memset(marks, -1, (text->curwords + 1) * sizeof(int));
	for (int i = 0; i < text->curwords; i++)
	{
		int word = word_at(phrases, text, i);

		CHECK_FOR_INTERRUPTS();
		for (int p = 0; word >= 0 && p < phrases->count; p++)
		{
			const SearchPhrase *phrase = &phrases->phrases[p];

			for (int m = 0; m < phrase->count && phrase->members[m].distance == 0; m++)
			{
				if (phrase->members[m].word == word)
					mark_phrase(phrases, text, i, p, marks);
			}
		}
	}
	return marks;
}
